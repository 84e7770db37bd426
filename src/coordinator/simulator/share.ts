/** A number of workers in whole parts, in proportion to what groups are to have; what rounding leaves goes to the first. */
export function share(total: number, groups: readonly { share: number }[]): number[] {
  const sum = groups.reduce((all, group) => all + group.share, 0);
  const whole = groups.map((group) => Math.floor((total * group.share) / sum));
  let left = total - whole.reduce((all, part) => all + part, 0);
  return whole.map((part) => (left-- > 0 ? part + 1 : part));
}
