/** What a job reads and writes: role, dataset, and the format the role takes. */
import { JOB_KINDS } from "../kinds/index.ts";
import type { Ports, PortFormat } from "../kinds/kind.ts";
import type { JobDocument } from "./document.ts";
import { pathText } from "./path.ts";

export interface Port {
  role: string;
  dataset: string;
  /** Undefined where any format will do. */
  format: PortFormat | undefined;
}

/** Ports in the order written. Absent: roles left out, and those whose dataset depends on a parameter that has no value yet. */
export function portsOf(job: JobDocument): { inputs: Port[]; outputs: Port[] } {
  const ports: Ports | "any" = JOB_KINDS[job.kind].ports;
  const known = ports === "any" ? { inputs: {}, outputs: {} } : ports;
  const settled = (side: string, ports: Port[]): Port[] =>
    ports.filter(({ role }) => !job.open.has(pathText([side, role])));
  return {
    inputs: settled("inputs", list(job.spec.inputs, known.inputs)),
    outputs: settled("outputs", list(job.spec.outputs, known.outputs)),
  };
}

function list(roles: object, formats: Record<string, PortFormat>): Port[] {
  return Object.entries(roles).flatMap(([role, dataset]: [string, unknown]) =>
    typeof dataset === "string" ? [{ role, dataset, format: formats[role] }] : [],
  );
}
