/** @module Where the steps of a run stand when they are drawn: in columns, each to the right of those it needs. */

export interface Needing {
  name: string;
  needs: string[];
}

export interface Place {
  x: number;
  y: number;
}

export interface DagLayout {
  /** Left upper corner of each step's box. */
  boxes: (Place & { name: string })[];
  /** Points an edge goes through, from the right side of a box to the left side of another. */
  edges: { from: string; to: string; points: Place[] }[];
  width: number;
  height: number;
}

export interface BoxSize {
  width: number;
  height: number;
}

const BETWEEN_LAYERS = 48;
const BETWEEN_BOXES = 16;
/** Room for an edge that passes a layer. */
const PASSAGE = 4;

/** Column of each step: 0 for those that need nothing here, else one more than the latest it needs. Steps come after what they need. */
export function layersOf(steps: Needing[]): Map<string, number> {
  const layers = new Map<string, number>();
  for (const { name, needs } of steps)
    layers.set(name, Math.max(-1, ...needs.map((need) => layers.get(need) ?? -1)) + 1);
  return layers;
}

/** A box in a layer, or the passage of the edges that leave one step for later layers. */
interface Slot {
  name: string;
  isBox: boolean;
  y: number;
}

/** Layers from left to right; in each, steps stand near what they need. Edges pass boxes of the layers between, never behind them. */
export function layOut(steps: Needing[], size: BoxSize): DagLayout {
  const layers = layersOf(steps);
  const edges = steps.flatMap(({ name, needs }) =>
    [...new Set(needs)].filter((need) => layers.has(need) && need !== name).map((from) => ({ from, to: name })),
  );
  const columns = arranged(slotsOf(steps, layers, edges), edges, size);
  const left = (layer: number) => layer * (size.width + BETWEEN_LAYERS);
  const layerOf = (name: string) => layers.get(name) ?? 0;
  const middle = (layer: number, name: string) => columns[layer]?.find((slot) => slot.name === name)?.y ?? 0;
  return {
    boxes: columns.flatMap((slots, layer) =>
      slots.filter((slot) => slot.isBox).map(({ name, y }) => ({ name, x: left(layer), y: y - size.height / 2 })),
    ),
    edges: edges.map(({ from, to }) => {
      const passed = range(layerOf(from) + 1, layerOf(to)).flatMap((layer) => {
        const y = middle(layer, from);
        return [
          { x: left(layer), y },
          { x: left(layer) + size.width, y },
        ];
      });
      const first = { x: left(layerOf(from)) + size.width, y: middle(layerOf(from), from) };
      return { from, to, points: [first, ...passed, { x: left(layerOf(to)), y: middle(layerOf(to), to) }] };
    }),
    width: Math.max(0, left(columns.length) - BETWEEN_LAYERS),
    height: Math.max(0, ...columns.map((slots) => heightOf(slots, size))),
  };
}

type Edge = { from: string; to: string };

function slotsOf(steps: Needing[], layers: Map<string, number>, edges: Edge[]): Slot[][] {
  const columns: Slot[][] = Array.from({ length: Math.max(0, ...layers.values(), -1) + 1 }, () => []);
  const passes = new Set<string>();
  for (const { name } of steps) columns[layers.get(name) ?? 0]?.push({ name, isBox: true, y: 0 });
  for (const { from, to } of edges)
    for (const layer of range((layers.get(from) ?? 0) + 1, layers.get(to) ?? 0)) {
      const pass = `${layer} ${from}`;
      if (!passes.has(pass)) columns[layer]?.push({ name: from, isBox: false, y: 0 });
      passes.add(pass);
    }
  return columns;
}

/** Orders each layer by the mean height of what its slots come from, then gives them their places around one middle line. */
function arranged(columns: Slot[][], edges: Edge[], size: BoxSize): Slot[][] {
  const needs = Map.groupBy(edges, ({ to }) => to);
  const whole = Math.max(0, ...columns.map((slots) => heightOf(slots, size)));
  let before = new Map<string, number>();
  return columns.map((slots) => {
    const wish = (slot: Slot) => (slot.isBox ? mean(needs.get(slot.name), before) : before.get(slot.name)) ?? 0;
    let top = (whole - heightOf(slots, size)) / 2;
    const placed = slots
      .toSorted((a, b) => wish(a) - wish(b))
      .map((slot) => {
        const high = slot.isBox ? size.height : PASSAGE;
        const y = top + high / 2;
        top += high + BETWEEN_BOXES;
        return { ...slot, y };
      });
    before = new Map(placed.map(({ name, y }) => [name, y]));
    return placed;
  });
}

function mean(edges: Edge[] | undefined, heights: Map<string, number>): number | undefined {
  const found = (edges ?? []).map(({ from }) => heights.get(from)).filter((y) => y !== undefined);
  return found.length === 0 ? undefined : found.reduce((sum, y) => sum + y, 0) / found.length;
}

function heightOf(slots: Slot[], size: BoxSize): number {
  const boxes = slots.reduce((sum, slot) => sum + (slot.isBox ? size.height : PASSAGE), 0);
  return boxes + Math.max(0, slots.length - 1) * BETWEEN_BOXES;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at);
}
