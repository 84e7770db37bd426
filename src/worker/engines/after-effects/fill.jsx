/*
 * Runs inside After Effects, as ExtendScript (ECMAScript 3): writes values into a project and saves it as a copy. Typed from
 * Adobe's scripting guide, https://ae-scripting.docsforadobe.dev; never run here. `farmhandFill` gets
 * {project, copy, result, values: [{key, comp, layer, property, value}]}, all paths absolute. What came of it goes into the
 * result's file: the program tells nothing by its exit code.
 */
function farmhandFill(job) {
  var outcome = 'ok';
  app.beginSuppressDialogs();
  try {
    var project = app.open(new File(job.project));
    if (!project) throw new Error('The project cannot be opened.');
    for (var i = 0; i < job.values.length; i++) put(project, job.values[i]);
    project.save(new File(job.copy));
    project.close(CloseOptions.DO_NOT_SAVE_CHANGES);
  } catch (error) {
    outcome = 'failed: ' + (error.message || error);
  }
  var file = new File(job.result);
  file.encoding = 'UTF-8';
  file.open('w');
  file.write(outcome);
  file.close();
  app.endSuppressDialogs(false);
  app.quit();

  /** Every layer of the name takes the value; without a composition's name, in all of them. */
  function put(project, entry) {
    var found = 0;
    for (var i = 1; i <= project.numItems; i++) {
      var comp = project.item(i);
      if (!(comp instanceof CompItem) || (entry.comp !== null && comp.name !== entry.comp)) continue;
      for (var k = 1; k <= comp.numLayers; k++) {
        if (comp.layer(k).name !== entry.layer) continue;
        found++;
        write(comp.layer(k), entry);
      }
    }
    if (found === 0) throw new Error('data ' + entry.key + ': the project has no such layer');
  }

  function write(layer, entry) {
    if (entry.property === 'file') {
      if (!layer.source || !layer.source.replace)
        throw new Error('data ' + entry.key + ': the layer shows no file');
      layer.source.replace(new File(entry.value));
      return;
    }
    var property = layer;
    var names = entry.property === null ? ['Source Text'] : entry.property.split('->');
    for (var i = 0; property && i < names.length; i++) property = property.property(names[i]);
    if (!property) throw new Error('data ' + entry.key + ': the layer has no ' + names.join('->'));
    // What was animated, or made by an expression, would take the value's place again.
    while (property.numKeys > 0) property.removeKey(property.numKeys);
    if (property.canSetExpression && property.expressionEnabled) property.expressionEnabled = false;
    if (entry.property === null) {
      var text = property.value;
      text.text = String(entry.value);
      property.setValue(text);
    } else property.setValue(entry.value);
  }
}
