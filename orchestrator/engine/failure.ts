/** The failure classes of DESIGN section 4: what each means, whether a retry can mend it, and what to type next. */

export interface FailureMeaning {
  /** One line for people. */
  cause: string;
  /** Whether another attempt of the same application may succeed. */
  retriable: boolean;
  /** The next command to type; `RUN` and `STEP` are filled in. */
  next: string;
}

export const FAILURES = {
  RejectedBySpec: {
    cause: "the application was refused as it is written",
    retriable: false,
    next: "sparkwright validate -f SPEC",
  },
  SubmissionFailed: {
    cause: "the application could not be started",
    retriable: true,
    next: "sparkwright logs RUN STEP",
  },
  ImagePull: { cause: "the image cannot be pulled", retriable: false, next: "sparkwright describe RUN" },
  Unschedulable: { cause: "no node has room for the driver", retriable: false, next: "sparkwright describe RUN" },
  QuotaExceeded: { cause: "the namespace's quota is used up", retriable: true, next: "sparkwright describe RUN" },
  ConfigError: { cause: "the spec or the data must be changed", retriable: false, next: "sparkwright logs RUN STEP" },
  OutOfMemory: { cause: "the driver or an executor ran out of memory", retriable: true, next: "sparkwright retry RUN" },
  Evicted: { cause: "the node evicted the driver", retriable: true, next: "sparkwright retry RUN" },
  NodeLost: { cause: "the node of the driver is gone", retriable: true, next: "sparkwright retry RUN" },
  ApplicationError: { cause: "the job ended with an error", retriable: true, next: "sparkwright logs RUN STEP" },
  ExecutorsFailed: { cause: "executors failed again and again", retriable: true, next: "sparkwright logs RUN STEP" },
  DeadlineExceeded: {
    cause: "a phase took longer than its deadline",
    retriable: true,
    next: "sparkwright describe RUN",
  },
  OutputMissing: {
    cause: "the job ended well but a declared output is not there",
    retriable: true,
    next: "sparkwright logs RUN STEP",
  },
  StatusLost: { cause: "the end of the driver was not seen", retriable: true, next: "sparkwright retry RUN" },
  Cancelled: { cause: "somebody cancelled it", retriable: false, next: "sparkwright retry RUN" },
} as const satisfies Record<string, FailureMeaning>;

export type FailureClass = keyof typeof FAILURES;
