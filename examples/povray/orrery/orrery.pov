// A brass orrery that turns once: every body has gone round a whole number of times when the clock reaches 1,
// so the animation loops. Render it with orrery.ini.
#version 3.7;
global_settings { assumed_gamma 1 max_trace_level 6 }
#include "bodies.inc"

#ifndef (Tilt) #declare Tilt = 28; #end

camera {
  location <0, 5.2, -8.6>
  look_at <0, 0.25, 0>
  right x * image_width / image_height
  angle 54
}
light_source { <-7, 9, -6> rgb <1, 0.96, 0.9> * 0.9 }
light_source { <6, 4, 5> rgb <0.35, 0.45, 0.8> * 0.5 shadowless }
sky_sphere {
  pigment { gradient y color_map { [0 rgb <0.10, 0.09, 0.20>] [0.6 rgb <0.02, 0.02, 0.06>] } }
}
plane {
  y, -1.2
  pigment { checker rgb <0.10, 0.10, 0.16>, rgb <0.14, 0.14, 0.22> scale 1.4 }
  finish { diffuse 0.6 reflection { 0.12 } }
}

// The stand
cone { <0, -1.2, 0>, 1.1, <0, -0.95, 0>, 0.75 texture { Brass } }
cylinder { <0, -1, 0>, <0, 0.2, 0>, 0.09 texture { Brass } }

// The sun, which lights the inside of the machine
light_source {
  <0, 0.4, 0> rgb <1, 0.75, 0.4> * 0.9
  fade_distance 3 fade_power 2
  looks_like {
    sphere { 0, 0.62 pigment { rgb <1, 0.72, 0.25> } finish { emission 1.1 diffuse 0 } }
  }
}

// radius of the orbit, of the body, turns in the animation, phase, colour
union {
  Body(1.35, 0.17, 4, 40, rgb <0.85, 0.62, 0.45>)
  Body(2.05, 0.27, 3, 150, rgb <0.95, 0.80, 0.55>)
  Body(2.85, 0.30, 2, 260, rgb <0.25, 0.52, 0.95>)
  Moon(2.85, 2, 260, 0.55, 7)
  Body(3.70, 0.24, 1, 20, rgb <0.90, 0.35, 0.22>)
  rotate -x * Tilt * 0.25
  translate y * 0.4
}
