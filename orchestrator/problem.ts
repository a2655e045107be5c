/** A finding about a spec file. Findings are data; printing them is `report/problems.ts`. */
export interface Problem {
  file: string;
  /** 1-based; 0 when the file as a whole is meant. */
  line: number;
  column: number;
  /** Dotted path of the field, empty for the document itself. */
  path: string;
  /** What is wrong and what is expected. */
  message: string;
  /** What to do next, when that is not said by the message. */
  remedy?: string;
}
