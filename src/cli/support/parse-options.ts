import { InvalidArgumentError } from 'commander';

/** A commander parser for whole numbers in a range. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text.trim()) || value < min || value > max)
      throw new InvalidArgumentError(
        `Expected a whole number from ${min.toLocaleString('en')} to ${max.toLocaleString('en')}.`,
      );
    return value;
  };
}

/** A commander parser for one of some words. */
export function oneOf<T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw new InvalidArgumentError(`Expected one of: ${words.join(', ')}.`);
    return found;
  };
}

/** A commander parser for an option that may be given several times. */
export function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

/** A commander parser for numbers in a range. */
export function anyNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= min && value <= max))
      throw new InvalidArgumentError(
        `Expected a number from ${min.toLocaleString('en')} to ${max.toLocaleString('en')}.`,
      );
    return value;
  };
}
