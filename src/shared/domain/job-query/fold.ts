/**
 * Letters A–Z are compared without their case, all others as they are: every Postgres and every browser does that alike
 * (`lower(… COLLATE "C")`).
 */
export const fold = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
