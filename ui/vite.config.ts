import { fileURLToPath } from 'node:url';
import colours from 'tailwindcss/colors';
import ui from '@nuxt/ui/vite';
import vue from '@vitejs/plugin-vue';
import { defineConfig, type Plugin } from 'vite';

const root = fileURLToPath(new URL('.', import.meta.url));

/** Semantic colours of the components. States have colours of their own (`src/styles/main.css`). */
const PALETTE = {
  primary: 'indigo',
  success: 'emerald',
  info: 'sky',
  warning: 'amber',
  error: 'red',
  neutral: 'zinc',
} as const;

/** The farm that `vite dev` talks to. */
const farm = process.env.FARMHAND_URL ?? 'http://127.0.0.1:8080';

/**
 * Nuxt UI writes its palette into an inline `<style>` when the page starts, which a strict Content-Security-Policy
 * forbids. The palette is known when the page is built, so it goes into the style sheet instead.
 */
function paletteAsStyleSheet(): Plugin {
  const id = 'virtual:palette.css';
  return {
    name: 'farmhand:palette',
    enforce: 'pre',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load: (source) => (source === `\0${id}` ? paletteCss() : undefined),
    transform: (_code, source) =>
      source.endsWith('/@nuxt/ui/dist/runtime/plugins/colors.js')
        ? { code: 'export default { install() {} };', map: null }
        : undefined,
  };
}

function paletteCss(): string {
  const names = Object.entries(PALETTE);
  const shades = names.flatMap(([name, colour]) =>
    Object.entries(colours[colour]).map(([shade, value]) => `--ui-color-${name}-${shade}: ${value};`),
  );
  const accents = (shade: number): string =>
    names
      .filter(([name]) => name !== 'neutral')
      .map(([name]) => `--ui-${name}: var(--ui-color-${name}-${shade});`)
      .join(' ');
  // 600 on white and 400 on near-black both reach a contrast of 4.5 with text.
  return `:root { ${shades.join(' ')} } .light { ${accents(600)} } .dark { ${accents(400)} }`;
}

export default defineConfig({
  root,
  plugins: [
    paletteAsStyleSheet(),
    vue(),
    ui({
      autoImport: false,
      components: false,
      dts: false,
      colorMode: false,
      icon: { clientBundle: { scan: { globInclude: ['src/**/*.{vue,ts}'], globExclude: [] } } },
      experimental: { componentDetection: true },
      theme: { colors: Object.keys(PALETTE).filter((name) => name !== 'neutral') },
      ui: { colors: PALETTE },
    }),
  ],
  server: {
    host: '127.0.0.1',
    fs: { allow: [fileURLToPath(new URL('..', import.meta.url))] },
    proxy: { '/api': { target: farm }, '/socket.io': { target: farm, ws: true } },
  },
  // Nothing inline: the Content-Security-Policy allows no data: fonts.
  build: {
    outDir: 'dist',
    assetsInlineLimit: 0,
    emptyOutDir: true,
    target: 'es2023',
    modulePreload: { polyfill: false },
  },
});
