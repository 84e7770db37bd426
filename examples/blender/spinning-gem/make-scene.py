"""Makes spinning-gem.blend, a gem that turns once in 24 frames over nothing: its background is transparent, for a picture
to be laid under it. Run from this folder:

    blender -b --factory-startup --python make-scene.py
"""

import math
import os

import bpy

FRAMES = 24
FOLDER = os.path.dirname(os.path.abspath(__file__))

bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.world = bpy.data.worlds.new("Sky")
scene.world.use_nodes = True
scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.25, 0.3, 0.45, 1)

bpy.ops.mesh.primitive_ico_sphere_add(subdivisions=1, radius=1)
gem = bpy.context.object
gem.scale = (0.85, 0.85, 1.15)
stone = bpy.data.materials.new("Stone")
stone.use_nodes = True
shader = stone.node_tree.nodes["Principled BSDF"]
shader.inputs["Base Color"].default_value = (0.06, 0.5, 0.42, 1)
shader.inputs["Metallic"].default_value = 0.6
shader.inputs["Roughness"].default_value = 0.15
gem.data.materials.append(stone)

gem.rotation_euler = (math.radians(12), 0, 0)
gem.keyframe_insert("rotation_euler", frame=1)
gem.rotation_euler = (math.radians(12), 0, math.tau)
gem.keyframe_insert("rotation_euler", frame=FRAMES + 1)
for curve in gem.animation_data.action.fcurves:
    for point in curve.keyframe_points:
        point.interpolation = "LINEAR"

for place, energy, colour in [((3, -3, 4), 300, (1, 0.9, 0.75)), ((-4, -1, 1), 120, (0.5, 0.7, 1))]:
    lamp = bpy.data.lights.new("Lamp", "AREA")
    lamp.energy, lamp.color, lamp.size = energy, colour, 2
    placed = bpy.data.objects.new("Lamp", lamp)
    placed.location = place
    scene.collection.objects.link(placed)
    placed.constraints.new("TRACK_TO").target = gem

camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
camera.location = (0, -6, 0.6)
camera.rotation_euler = (math.radians(84), 0, 0)
scene.collection.objects.link(camera)
scene.camera = camera

scene.frame_start, scene.frame_end = 1, FRAMES
render = scene.render
render.engine = "CYCLES"
render.film_transparent = True
render.image_settings.color_mode = "RGBA"
render.resolution_x, render.resolution_y, render.resolution_percentage = 320, 180, 100
render.fps = 12
scene.cycles.samples = 8
scene.cycles.use_denoising = False
scene.cycles.use_adaptive_sampling = False
scene.cycles.max_bounces = 3

bpy.ops.wm.save_as_mainfile(filepath=os.path.join(FOLDER, "spinning-gem.blend"), compress=True)
