/** Where the page thinks it comes from. `.invalid` has no addresses (RFC 2606), so nothing there can be reached by mistake. */
export const SCENE_ORIGIN = 'https://scene.invalid';
