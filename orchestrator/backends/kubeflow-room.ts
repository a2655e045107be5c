/** @module Whether any node could take a pod, and which nodes no longer answer. Pure. */
import type { Node } from "../kubernetes/objects.ts";
import { bytesOf, humanBytes } from "../quantity.ts";
import type { PodEvidence } from "../spark-app.ts";

/** What a pod asks for beyond the largest node, even if that were empty. Empty when nodes could not be read. */
export function tooLarge(
  requests: Record<string, string>,
  nodes: readonly Node[],
): NonNullable<PodEvidence["tooLarge"]> {
  if (nodes.length === 0) return [];
  return Object.entries(requests).flatMap(([resource, asked]) => {
    const asks = bytesOf(asked);
    const largest = Math.max(...nodes.map(({ status }) => bytesOf(status?.allocatable?.[resource] ?? "0")));
    if (!(asks > largest)) return [];
    const words = resource === "memory" ? humanBytes : (value: number) => String(Math.round(value * 1000) / 1000);
    return [{ resource, asks: words(asks), largest: words(largest), missing: words(asks - largest) }];
  });
}

/** Names of nodes whose kubelet has stopped reporting. */
export function lostNodes(nodes: readonly Node[]): Set<string> {
  const isLost = ({ status }: Node) =>
    status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "Unknown");
  return new Set(nodes.filter(isLost).map(({ metadata }) => metadata.name));
}
