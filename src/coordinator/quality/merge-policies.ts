import type { QualityPolicy } from '../../shared/contracts/quality.ts';

/**
 * One policy of several, the later ones before the earlier ones field by field; of checks, each check's fields by
 * themselves. Absent ones say nothing.
 */
export function mergePolicies(...policies: readonly (QualityPolicy | undefined)[]): QualityPolicy {
  const merged: QualityPolicy = {};
  for (const policy of policies) {
    if (!policy) continue;
    const checks = { ...merged.checks };
    for (const [name, check] of Object.entries(policy.checks ?? {})) {
      const key = name as keyof typeof checks;
      checks[key] = { ...checks[key], ...check };
    }
    Object.assign(merged, policy, Object.keys(checks).length === 0 ? {} : { checks });
  }
  return merged;
}
