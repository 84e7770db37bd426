"""Makes turntable.blend, a small scene that turns once in 12 frames. Run from this folder:

    blender -b --factory-startup --python make-scene.py
"""

import math
import os

import bpy

FRAMES = 12
FOLDER = os.path.dirname(os.path.abspath(__file__))


def material(name, colour, metallic=0.0, roughness=0.4):
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    shader = made.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1)
    shader.inputs["Metallic"].default_value = metallic
    shader.inputs["Roughness"].default_value = roughness
    return made


def give(made):
    bpy.context.object.data.materials.append(made)
    return bpy.context.object


def light(name, kind, location, energy, colour, size):
    data = bpy.data.lights.new(name, kind)
    data.energy, data.color, data.size = energy, colour, size
    made = bpy.data.objects.new(name, data)
    made.location = location
    bpy.context.collection.objects.link(made)
    aim(made, (0, 0, 0.4))


def aim(thing, target):
    constraint = thing.constraints.new("TRACK_TO")
    empty = bpy.data.objects.new(f"{thing.name} target", None)
    empty.location = target
    bpy.context.collection.objects.link(empty)
    constraint.target = empty


bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.world = bpy.data.worlds.new("Dusk")
scene.world.use_nodes = True
scene.world.node_tree.nodes["Background"].inputs["Color"].default_value = (0.02, 0.025, 0.06, 1)

bpy.ops.mesh.primitive_plane_add(size=40)
give(material("Floor", (0.05, 0.055, 0.09), roughness=0.25))

pivot = bpy.data.objects.new("Turntable", None)
scene.collection.objects.link(pivot)

bpy.ops.mesh.primitive_cylinder_add(radius=1.7, depth=0.12, vertices=64, location=(0, 0, 0.06))
give(material("Plate", (0.5, 0.52, 0.58), metallic=1, roughness=0.3)).parent = pivot

bpy.ops.mesh.primitive_torus_add(major_radius=0.62, minor_radius=0.2, location=(0, 0, 0.95))
torus = give(material("Gold", (0.95, 0.62, 0.18), metallic=1, roughness=0.18))
torus.rotation_euler = (math.radians(75), 0, math.radians(20))
torus.parent = pivot
bpy.ops.object.shade_smooth()

for at, colour in enumerate([(0.9, 0.12, 0.2), (0.1, 0.55, 0.9), (0.15, 0.7, 0.35), (0.6, 0.25, 0.85)]):
    angle = math.tau * at / 4 + 0.5
    place = (1.3 * math.cos(angle), 1.3 * math.sin(angle), 0.34)
    if at % 2 == 0:
        bpy.ops.mesh.primitive_uv_sphere_add(radius=0.24, segments=32, ring_count=16, location=place)
        bpy.ops.object.shade_smooth()
    else:
        bpy.ops.mesh.primitive_cube_add(size=0.4, location=place, rotation=(0, 0, angle))
    give(material(f"Colour {at}", colour)).parent = pivot

pivot.rotation_euler = (0, 0, 0)
pivot.keyframe_insert("rotation_euler", frame=1)
pivot.rotation_euler = (0, 0, math.tau)
pivot.keyframe_insert("rotation_euler", frame=FRAMES + 1)
for curve in pivot.animation_data.action.fcurves:
    for point in curve.keyframe_points:
        point.interpolation = "LINEAR"

light("Key", "AREA", (3.5, -3.5, 5), 420, (1, 0.86, 0.7), 2.5)
light("Rim", "AREA", (-4, 3, 3), 260, (0.45, 0.6, 1), 2)

camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
camera.location = (0, -5.6, 2.9)
camera.data.lens = 46
scene.collection.objects.link(camera)
aim(camera, (0, 0, 0.55))
scene.camera = camera

scene.frame_start, scene.frame_end = 1, FRAMES
render = scene.render
render.engine = "CYCLES"
render.resolution_x, render.resolution_y, render.resolution_percentage = 320, 180, 100
render.fps = 12
scene.cycles.samples = 8
scene.cycles.use_denoising = False
scene.cycles.use_adaptive_sampling = False
scene.cycles.max_bounces = 4
scene.view_settings.view_transform = "Filmic"

bpy.ops.wm.save_as_mainfile(filepath=os.path.join(FOLDER, "turntable.blend"), compress=True)
