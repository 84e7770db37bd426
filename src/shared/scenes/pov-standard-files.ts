/** What POV-Ray 3.7 brings with it, so that a scene may name it without having it (the `include` folder of the release). */
export const POV_STANDARD_FILES: ReadonlySet<string> = new Set(
  `arrays ash.map benediti.map bubinga.map cedar.map chars colors consts debug finish functions glass glass_old golds ior
  logo makegrass marbteal.map math meshmaker metals orngwood.map pinkmarb.map rad_def rand rdgranit.map screen shapes
  shapes2 shapes3 shapes_old shapesq skies stage1 stars stdcam stdinc stoneold stones stones1 stones2 strings sunpos
  teak.map textures transforms whiteash.map woodmaps woods mount1.png mount2.png bumpmap_.png fract003.png plasma2.png
  plasma3.png povmap.png test.png spiral.df3 crystal.ttf cyrvetic.ttf povlogo.ttf timrom.ttf mtmand.pot mtmandj.png`
    .split(/\s+/)
    .map((name) => (name.includes('.') ? name : `${name}.inc`)),
);
