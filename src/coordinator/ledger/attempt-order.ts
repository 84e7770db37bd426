/** Whether an attempt of a task was delivered after another one: higher feed, or the same feed and a later delivery. */
export function isNewerAttempt(attempt: string, than: string): boolean {
  const [feed, delivery] = numbersOf(attempt);
  const [otherFeed, otherDelivery] = numbersOf(than);
  return feed > otherFeed || (feed === otherFeed && delivery > otherDelivery);
}

/** `<task>-<feed>-<delivery>`. */
function numbersOf(attempt: string): [number, number] {
  const [, feed = '0', delivery = '0'] = attempt.split('-');
  return [Number(feed), Number(delivery)];
}
