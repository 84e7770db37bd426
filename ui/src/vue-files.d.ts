/** For tools that do not look into .vue files; vue-tsc knows their real types. */
declare module '*.vue' {
  import type { DefineComponent } from 'vue';
  const component: DefineComponent;
  // eslint-disable-next-line no-restricted-syntax -- a .vue file's component is its default export
  export default component;
}
