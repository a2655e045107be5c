/** An order in which every name comes after those it needs. */
import type { Needs } from "../spec/graph.ts";

/**
 * Topological order; among those that are free the one named first in `needs` comes first, so that equal input gives equal output.
 * Needs outside the graph are taken as met. Throws RangeError on a cycle: references are checked before.
 */
export function inOrder(needs: Needs): string[] {
  const open = new Map([...needs].map(([name, of]) => [name, [...of].filter((need) => needs.has(need)).length]));
  const dependants = new Map<string, string[]>();
  for (const [name, of] of needs) {
    for (const need of of) dependants.set(need, [...(dependants.get(need) ?? []), name]);
  }
  const order: string[] = [];
  while (order.length < needs.size) {
    const next = [...open].find(([, count]) => count === 0)?.[0];
    if (next === undefined)
      throw new RangeError(`Cannot order ${[...open.keys()].join(", ")}: they wait for each other`);
    open.delete(next);
    order.push(next);
    for (const name of dependants.get(next) ?? []) open.set(name, (open.get(name) ?? 0) - 1);
  }
  return order;
}
