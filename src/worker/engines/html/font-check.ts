type Call = (method: string, params?: Record<string, unknown>) => Promise<Record<string, unknown>>;

interface RemoteProperty {
  name: string;
  value?: { objectId?: string };
}

interface UsedFont {
  familyName: string;
  /** A font that the page brings. */
  isCustomFont: boolean;
}

const MAX_WARNINGS = 10;

/**
 * Warns of text that the page's fonts have no glyphs for: a box is drawn where no font has any, and a font of this machine,
 * which another machine may not have, stands in for one that the page brings.
 */
export class FontCheck {
  readonly #call: Call;
  #enabled = false;
  #warnings: string[] = [];

  constructor(call: Call) {
    this.#call = call;
  }

  /** @returns what is wrong with the text that is shown now */
  async warnings(): Promise<string[]> {
    if ((await this.#value('__farmhandPage.glyphs.refresh()')) === true)
      this.#warnings = [
        ...((await this.#value('__farmhandPage.glyphs.warnings()')) as string[]),
        ...(await this.#standIns()),
      ].slice(0, MAX_WARNINGS);
    return this.#warnings;
  }

  async #standIns(): Promise<string[]> {
    const texts = (await this.#value('__farmhandPage.glyphs.ownFontTexts()')) as {
      family: string;
      text: string;
    }[];
    if (texts.length === 0) return [];
    await this.#enable();
    const { result } = await this.#evaluate('__farmhandPage.glyphs.ownFontElements()', false);
    const { objectId } = result as { objectId: string };
    const { result: properties } = await this.#call('Runtime.getProperties', {
      objectId,
      ownProperties: true,
    });
    const warnings = new Set<string>();
    for (const { name, value } of properties as RemoteProperty[]) {
      const text = texts[Number(name)];
      if (text === undefined || value?.objectId === undefined) continue;
      const { nodeId } = await this.#call('DOM.requestNode', { objectId: value.objectId });
      const { fonts } = await this.#call('CSS.getPlatformFontsForNode', { nodeId });
      const others = (fonts as UsedFont[]).filter((font) => !font.isCustomFont);
      if (others.length === 0) continue;
      const names = others.map(({ familyName }) => familyName).join(', ');
      warnings.add(
        `The page's font ${text.family} has not all glyphs for ${JSON.stringify(text.text)}; ${names} stands in for it.`,
      );
    }
    await this.#call('Runtime.releaseObject', { objectId });
    return [...warnings];
  }

  async #enable(): Promise<void> {
    if (!this.#enabled) {
      await this.#call('DOM.enable');
      await this.#call('CSS.enable');
      this.#enabled = true;
    }
    // Nodes have numbers once the document has been asked for.
    await this.#call('DOM.getDocument', { depth: 0 });
  }

  async #value(expression: string): Promise<unknown> {
    const { result } = await this.#evaluate(expression, true);
    return (result as { value?: unknown }).value;
  }

  #evaluate(expression: string, returnByValue: boolean): Promise<Record<string, unknown>> {
    return this.#call('Runtime.evaluate', { expression, returnByValue });
  }
}
