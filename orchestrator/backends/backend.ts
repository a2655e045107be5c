/** @module What a place to run Spark applications must offer; every backend passes `test/backend.contract.ts`. */
import type { Crowd } from "../engine/pacing.ts";
import type { Observation, SparkApp } from "../spark-app.ts";

/** Turns an application into what would be sent. Touches nothing. */
export interface Renderer {
  readonly name: string;
  /** The object or command line; keys in the order people read them. */
  render(app: SparkApp): unknown;
}

/** Somewhere a Spark application can run. It never decides about retries. */
export interface Backend extends Renderer {
  /** Starts the application. Starting it twice is the same as starting it once, also from two processes. */
  submit(app: SparkApp, signal: AbortSignal): Promise<void>;
  /** What is there now, or undefined when nothing is. */
  observe(app: SparkApp, signal: AbortSignal): Promise<Observation | undefined>;
  /** Stops and removes it and waits until it is gone. Removing what is absent succeeds. The attempt's documents stay. */
  remove(app: SparkApp, signal: AbortSignal, options?: RemoveOptions): Promise<void>;
  /** For an application whose end is recorded: keeps its log and clears away what was only needed to tell how it ended. May be repeated. */
  settle?(app: SparkApp, signal: AbortSignal): Promise<void>;
}

export interface RemoveOptions {
  /** That it was started was never recorded: if nothing is there, nothing of it is on its way. Default: false. */
  neverStarted?: boolean;
}

/** A backend that tells when something may have changed, so that nobody has to ask again and again. */
export interface WithChanges {
  /** Calls `wake` whenever an application of the run may look different, until aborted. It does not wait and never fails. */
  follow(scope: { namespace: string; run: string }, wake: () => void, signal: AbortSignal): void;
}

export function hasChanges(backend: Backend): backend is Backend & WithChanges {
  return "follow" in backend;
}

/** A backend that many share and that takes applications up slowly. */
export interface WithCrowd {
  /** What is there of a namespace's applications, whoever made them. */
  crowd(namespace: string, signal: AbortSignal): Promise<Crowd>;
}

export function hasCrowd(backend: Backend): backend is Backend & WithCrowd {
  return "crowd" in backend;
}

export interface LogOptions {
  follow: boolean;
  /** Default: the driver. Executors are numbered by Spark, from 1. */
  executor?: number;
  /** Last lines only. */
  tail?: number;
}

/** A backend that can give the driver's output, also while it runs. */
export interface WithLogs {
  logs(app: SparkApp, options: LogOptions, signal: AbortSignal): AsyncIterable<string>;
}

export function hasLogs(backend: Backend): backend is Backend & WithLogs {
  return "logs" in backend;
}
