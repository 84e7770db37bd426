import { ref, type Ref } from 'vue';
import type { CreatedWebhook, Webhook } from '../../../src/shared/contracts/webhook-api.ts';
import { sentenceOf } from '../api/problem.ts';
import { wranglerApi } from '../api/wrangler-api.ts';
import { useNotices } from '../common/use-notices.ts';
import type { PendingConfirm } from '../controls/use-job-controls.ts';

/** What can be done with a webhook; each says what came of it. */
export function useWebhookVerbs(changed: () => Promise<void>): {
  pending: Ref<PendingConfirm | null>;
  /** The one whose new secret is to be shown. */
  secretOf: Ref<CreatedWebhook | null>;
  test: (webhook: Webhook) => Promise<void>;
  pause: (webhook: Webhook, paused: boolean) => Promise<void>;
  rotate: (webhook: Webhook) => void;
  remove: (webhook: Webhook) => void;
} {
  const { say } = useNotices();
  const pending = ref<PendingConfirm | null>(null);
  const secretOf = ref<CreatedWebhook | null>(null);

  async function attempt(run: () => Promise<void>): Promise<void> {
    try {
      await run();
      await changed();
    } catch (error) {
      say(sentenceOf(error), false);
    }
  }

  const pause = (webhook: Webhook, paused: boolean): Promise<void> =>
    attempt(async () => {
      await wranglerApi.updateWebhook(webhook.id, { paused });
      const said = paused
        ? `Nothing is sent to ${webhook.id}, and of what happens meanwhile it hears nothing.`
        : `${webhook.id} hears again what happens from now on.`;
      say(said, true, { label: 'Undo', run: () => void pause(webhook, !paused) });
    });

  return {
    pending,
    secretOf,
    pause,
    test: ({ id }) =>
      attempt(async () => {
        await wranglerApi.testWebhook(id);
        say(`A ping is on its way to ${id}; its deliveries say what was answered.`, true);
      }),
    rotate: ({ id }) => {
      pending.value = {
        title: `A new secret for ${id}?`,
        text: 'Bodies are signed with the old one, too, for a day. After that a receiver that does not know the new one refuses them.',
        yes: 'Make a new secret',
        harmless: true,
        run: () =>
          attempt(async () => {
            secretOf.value = await wranglerApi.rotateWebhook(id);
          }),
      };
    },
    remove: ({ id, url, pending: waiting }) => {
      const kept = waiting === 0 ? '' : ` ${waiting} that wait to be sent are dropped.`;
      pending.value = {
        title: `Remove ${id}?`,
        text: `${url} is told nothing more, and its log is forgotten.${kept} This cannot be taken back.`,
        yes: 'Remove it',
        run: () =>
          attempt(async () => {
            await wranglerApi.removeWebhook(id);
            say(`${id} is told nothing more.`, true);
          }),
      };
    },
  };
}
