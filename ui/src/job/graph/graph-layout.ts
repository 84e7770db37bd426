/** Steps in columns: each stands to the right of everything that it waits for. */
export interface GraphNode {
  id: string;
  needs: readonly string[];
}

export interface PlacedNode {
  id: string;
  column: number;
  row: number;
}

export interface GraphLayout {
  nodes: PlacedNode[];
  edges: { from: string; to: string }[];
  columns: number;
  rows: number;
}

/** Nodes that are named and not there are left out, and so is what would close a circle: the farm takes none. */
export function layoutGraph(nodes: readonly GraphNode[]): GraphLayout {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const columns = new Map<string, number>();
  const open = new Set<string>();
  const columnOf = (id: string): number => {
    const known = columns.get(id);
    if (known !== undefined) return known;
    if (open.has(id)) return 0;
    open.add(id);
    const before = (byId.get(id)?.needs ?? []).filter((need) => byId.has(need)).map(columnOf);
    const column = before.length === 0 ? 0 : Math.max(...before) + 1;
    open.delete(id);
    columns.set(id, column);
    return column;
  };
  for (const { id } of nodes) columnOf(id);
  const placed = placeRows(nodes, columns);
  return {
    nodes: placed,
    edges: nodes.flatMap(({ id, needs }) =>
      needs.filter((need) => byId.has(need)).map((need) => ({ from: need, to: id })),
    ),
    columns: Math.max(0, ...placed.map(({ column }) => column + 1)),
    rows: Math.max(0, ...placed.map(({ row }) => row + 1)),
  };
}

/** Within a column near what they wait for, so that few lines cross. */
function placeRows(nodes: readonly GraphNode[], columns: ReadonlyMap<string, number>): PlacedNode[] {
  const rows = new Map<string, number>();
  const last = Math.max(0, ...columns.values());
  for (let column = 0; column <= last; column++) {
    const here = nodes.filter(({ id }) => columns.get(id) === column);
    const wish = ({ needs }: GraphNode): number => {
      const known = needs.flatMap((need) => rows.get(need) ?? []);
      return known.length === 0 ? Infinity : known.reduce((sum, row) => sum + row, 0) / known.length;
    };
    const wishes = new Map(
      here.map((node, index) => [node.id, Number.isFinite(wish(node)) ? wish(node) : index]),
    );
    here
      .sort((a, b) => (wishes.get(a.id) ?? 0) - (wishes.get(b.id) ?? 0))
      .forEach(({ id }, row) => rows.set(id, row));
  }
  return nodes.map(({ id }) => ({ id, column: columns.get(id) ?? 0, row: rows.get(id) ?? 0 }));
}
