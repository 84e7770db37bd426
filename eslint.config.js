import js from '@eslint/js';
import vue from 'eslint-plugin-vue';
import { defineConfig, globalIgnores } from 'eslint/config';
import ts from 'typescript-eslint';
import vueParser from 'vue-eslint-parser';

const BROWSER_GLOBALS = Object.fromEntries(
  [
    ...['window', 'document', 'navigator', 'location', 'history', 'localStorage', 'matchMedia', 'fetch'],
    ...['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'requestAnimationFrame'],
    ...['URL', 'URLSearchParams', 'AbortController', 'console', 'confirm'],
  ].map((name) => [name, 'readonly']),
);

/** What the scripts of the HTML engine find in a page, and each other. */
const PAGE_GLOBALS = Object.fromEntries(
  [
    ...[
      'window',
      'document',
      'MessageChannel',
      'Performance',
      'AnimationTimeline',
      'Animation',
      'CSSAnimation',
    ],
    ...['Element', 'Crypto', 'getComputedStyle', 'reportError'],
  ].map((name) => [name, 'readonly']),
);

/** Rules that differ from the presets, each for a reason. */
const typescriptRules = {
  // Numbers print as they are; everything else still has to be turned into text on purpose.
  '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
  // `() => stop()` reads well as a callback whose result nobody uses.
  '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
  // Async handlers are given to event emitters and Express, which look at what they return or do not care.
  '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
  // `while (true)` is a loop that ends by return.
  '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
  '@typescript-eslint/consistent-type-imports': 'error',
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
  // Adapters implement async interfaces with nothing to wait for.
  '@typescript-eslint/require-await': 'off',
  // Names from outside (NATS, S3, SQL) keep their spelling: `data['x']` and `data.x` are the author's choice.
  '@typescript-eslint/dot-notation': 'off',
};

const generalRules = {
  eqeqeq: 'error',
  'no-console': 'error',
  'no-control-regex': 'off', // control characters are looked for on purpose, to refuse them
  'no-param-reassign': 'error',
  'no-var': 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error',
  complexity: ['error', 20],
  'max-depth': ['error', 4],
  'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: 80, skipBlankLines: true, skipComments: true }],
  'max-params': ['error', 6],
  'no-restricted-syntax': [
    'error',
    { selector: 'TSEnumDeclaration', message: 'Node strips types and cannot run enums: use a const array.' },
    { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
  ],
};

export default defineConfig(
  globalIgnores(['**/node_modules/', 'ui/dist/', 'coverage/', 'docs/screenshots/']),
  {
    files: ['**/*.ts', 'ui/**/*.vue'],
    extends: [js.configs.recommended, ts.configs.strictTypeChecked, ts.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        projectService: true,
        extraFileExtensions: ['.vue'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: { ...generalRules, ...typescriptRules },
  },
  {
    files: ['ui/**/*.vue'],
    extends: [vue.configs['flat/recommended']],
    languageOptions: {
      parser: vueParser,
      parserOptions: { parser: ts.parser },
      globals: BROWSER_GLOBALS,
    },
    rules: {
      // Prettier lays the templates out.
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/multi-word-component-names': 'off', // pages are called what they show
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/no-v-html': 'error', // names and logs are hostile text
      'vue/no-v-text-v-html-on-component': 'error',
      // TypeScript knows undefined names; the rule does not know the build's auto-imports.
      'no-undef': 'off',
    },
  },
  {
    // Programs that talk to a person on a terminal.
    files: ['src/cli/**/*.ts', 'test/support/check-*.ts', 'deploy/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  {
    // The tools that read these files ask for a default export.
    files: ['*.config.ts', 'ui/vite.config.ts', 'test/support/global-setup.ts', 'src/cli/**/*reporter*.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    // One migration is one function, however many tables it makes.
    files: ['src/shared/database/migrations/*.ts'],
    rules: { 'max-lines-per-function': 'off' },
  },
  {
    files: ['**/*.test.ts', 'test/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': 'off', // a `describe` is one function
      '@typescript-eslint/no-non-null-assertion': 'off', // a test that dereferences nothing fails, as it should
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    extends: [js.configs.recommended],
    languageOptions: { globals: { module: 'writable', process: 'readonly', URL: 'readonly' } },
  },
  {
    files: ['examples/html/**/*.js'],
    languageOptions: { globals: { ...PAGE_GLOBALS, fetch: 'readonly', requestAnimationFrame: 'readonly' } },
  },
  {
    // Texts that run inside a page, put together by page-script.ts: each file is functions that the next one calls.
    files: ['src/worker/engines/html/in-page/*.js'],
    languageOptions: { sourceType: 'script', globals: PAGE_GLOBALS },
    rules: { 'no-unused-vars': ['error', { vars: 'local' }] },
  },
);
