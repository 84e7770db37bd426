import { outside, type Stretch } from '../domain/stretches.ts';
import type { Finding, FrameQuality } from '../contracts/quality.ts';
import { PICTURE_CHECKS, VIDEO_CHECKS } from './checks/all-checks.ts';
import type { Expected, Found } from './checks/check.ts';
import type { MeasuredPicture } from './measure/measurer.ts';
import type { CheckDefaults, CompiledPolicy } from './policy.ts';
import { verdictOf } from './verdict.ts';
import type { MeasuredVideo } from './video/measure-video.ts';

/** Of one frame or video; no thumbnail yet, as not everybody wants one. */
export type Judged = Omit<FrameQuality, 'thumbnail'>;

/** @param frame its number, for what is intended; null where it has none */
export function judgePicture(
  picture: MeasuredPicture,
  policy: CompiledPolicy,
  expected: Expected,
  frame: number | null,
): Judged {
  const findings = PICTURE_CHECKS.flatMap((check) =>
    findingOf(check, policy, frame, (threshold) => check.look(picture, threshold, expected)),
  );
  return { verdict: verdictOf(findings), findings, measures: picture.measures };
}

export function judgeVideo(
  video: MeasuredVideo,
  policy: CompiledPolicy,
  expected: Expected,
  frame: number | null,
): Judged {
  const findings = VIDEO_CHECKS.flatMap((check) =>
    findingOf(check, policy, frame, (threshold) =>
      check.look(withoutStretches(video, policy.intendedSeconds(check.name)), threshold, expected),
    ),
  );
  return { verdict: verdictOf(findings), findings, measures: null };
}

function withoutStretches(video: MeasuredVideo, intended: readonly Stretch[]): MeasuredVideo {
  if (intended.length === 0) return video;
  return {
    ...video,
    black: outside(video.black, intended),
    frozen: outside(video.frozen, intended),
    silent: video.silent && outside(video.silent, intended),
  };
}

/** Nothing is claimed of what nobody here can decode. */
export function judgeUnchecked(reason: string): Judged {
  const message = `It is not checked: ${reason}.`;
  const finding: Finding = {
    check: 'unreadable',
    verdict: 'unchecked',
    message,
    value: null,
    threshold: null,
  };
  return { verdict: 'unchecked', findings: [finding], measures: null };
}

/** What cannot be read is never let through, whatever a policy says. */
export function judgeUnreadable(message: string): Judged {
  const finding: Finding = { check: 'unreadable', verdict: 'fail', message, value: null, threshold: null };
  return { verdict: 'fail', findings: [finding], measures: null };
}

function findingOf(
  check: CheckDefaults,
  policy: CompiledPolicy,
  frame: number | null,
  look: (threshold: number | null) => Found | null,
): Finding[] {
  const rule = policy.rule(check, frame);
  const found = rule && look(rule.threshold);
  if (!rule || !found) return [];
  const message = found.message.slice(0, 500);
  return [
    { check: check.name, verdict: rule.verdict, message, value: found.value, threshold: rule.threshold },
  ];
}
