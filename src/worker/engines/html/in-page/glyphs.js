/**
 * Which characters of the page's text are not in its fonts. A box is drawn instead of a character that no font of this
 * machine has: whoever draws to a canvas of its own is told so by comparing pictures. Text on canvases of the page and in
 * `content: …` of styles is not looked at.
 */
function createGlyphs() {
  /** Pages with more text are looked at in part: a picture must not take minutes for a warning. */
  const MAX_TEXTS = 2_000;
  const MAX_CHARACTERS = 4_000;
  const MAX_ELEMENTS = 50;
  const SIZE = 32;
  /** For private use, and the last but two of all: no font has it. */
  const NO_GLYPH = '\u{10fffd}';
  const NOT_DRAWN = /[\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Cc}\p{M}]/u;
  const NO_TEXT = new Set(['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE', 'TITLE']);
  const Canvas = window.OffscreenCanvas;
  /** Font → its box, and character → whether it is drawn as that box. */
  const fonts = new Map();
  let pencil;
  let looked = 0;
  let lastText;
  let missing = new Map();
  let own = [];

  function draw(font, character) {
    pencil ??= new Canvas(SIZE * 2, SIZE * 2).getContext('2d', { willReadFrequently: true });
    pencil.clearRect(0, 0, SIZE * 2, SIZE * 2);
    pencil.font = font;
    pencil.fillText(character, SIZE / 4, SIZE * 1.4);
    return new Uint32Array(pencil.getImageData(0, 0, SIZE * 2, SIZE * 2).data.buffer);
  }

  function isMissing(font, character) {
    let known = fonts.get(font);
    if (!known) fonts.set(font, (known = { box: draw(font, NO_GLYPH), characters: new Map() }));
    let answer = known.characters.get(character);
    if (answer === undefined) {
      if (++looked > MAX_CHARACTERS) return false;
      const drawn = draw(font, character);
      answer = drawn.every((pixel, i) => pixel === known.box[i]);
      known.characters.set(character, answer);
    }
    return answer;
  }

  const firstFamily = (families) =>
    families
      .split(',')[0]
      .trim()
      .replace(/^["']|["']$/g, '');

  function* shownTexts() {
    const walker = document.createTreeWalker(document.documentElement, window.NodeFilter.SHOW_TEXT);
    for (let count = 0; count < MAX_TEXTS && walker.nextNode(); count++) {
      const text = walker.currentNode.data.trim();
      const element = walker.currentNode.parentElement;
      if (text === '' || !element || NO_TEXT.has(element.tagName)) continue;
      if (element.checkVisibility?.({ visibilityProperty: true }) === false) continue;
      yield { text, element };
    }
  }

  function look() {
    missing = new Map();
    own = [];
    const brought = new Set([...document.fonts].map(({ family }) => firstFamily(family)));
    for (const { text, element } of shownTexts()) {
      const { fontFamily, fontStyle, fontWeight } = getComputedStyle(element);
      const family = firstFamily(fontFamily);
      if (brought.has(family) && own.length < MAX_ELEMENTS) own.push({ element, family, text });
      for (const character of text) {
        if (NOT_DRAWN.test(character)) continue;
        if (!isMissing(`${fontStyle} ${fontWeight} ${SIZE}px ${fontFamily}`, character)) continue;
        const characters = missing.get(family) ?? new Set();
        missing.set(family, characters.add(character));
      }
    }
  }

  return {
    /** Looks again if the page's text is another one than before. @returns whether it was */
    refresh() {
      const text = document.documentElement.textContent;
      if (text === lastText) return false;
      lastText = text;
      look();
      return true;
    },
    /** Sentences about what is missing altogether. */
    warnings() {
      return [...missing].map(
        ([family, characters]) =>
          `No font has glyphs for: ${[...characters].slice(0, 20).join(' ')} (in the page: ${family})`,
      );
    },
    /** Texts in fonts that the page brings: Chromium knows which fonts it really used for them. */
    ownFontTexts: () => own.map(({ family, text }) => ({ family, text: text.slice(0, 40) })),
    ownFontElements: () => own.map(({ element }) => element),
  };
}
