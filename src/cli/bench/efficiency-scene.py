"""Makes the light Cycles animation of `farmhand bench efficiency`: blender -b --python THIS -- FILE NAME FRAMES."""

import sys

import bpy

path, name, frames = sys.argv[-3], sys.argv[-2], int(sys.argv[-1])
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.name = name  # so that each run has a scene that no worker has seen
scene.render.engine = "CYCLES"
scene.cycles.device = "CPU"
scene.cycles.samples = 8
scene.cycles.use_denoising = False
scene.cycles.max_bounces = 1
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 320, 180, 100
scene.render.image_settings.file_format = "PNG"
scene.frame_start, scene.frame_end = 1, frames

for index in range(4):
    bpy.ops.mesh.primitive_monkey_add(location=(index * 2.5 - 4, 0, 1))
    monkey = bpy.context.object
    monkey.keyframe_insert("rotation_euler", frame=1)
    monkey.rotation_euler = (0, 0, 6.28)
    monkey.keyframe_insert("rotation_euler", frame=frames)
    material = bpy.data.materials.new(f"Material {index}")
    material.use_nodes = True
    nodes = material.node_tree.nodes
    nodes.clear()
    shader, output = nodes.new("ShaderNodeBsdfDiffuse"), nodes.new("ShaderNodeOutputMaterial")
    shader.inputs["Color"].default_value = (index / 4, 0.5, 1 - index / 4, 1)
    material.node_tree.links.new(shader.outputs[0], output.inputs[0])
    monkey.data.materials.append(material)
bpy.ops.object.light_add(type="SUN", rotation=(0.6, 0.2, 0))
bpy.context.object.data.energy = 3
bpy.ops.object.camera_add(location=(0, -12, 8), rotation=(1.0, 0, 0))
scene.camera = bpy.context.object
bpy.ops.wm.save_as_mainfile(filepath=path, compress=False)
