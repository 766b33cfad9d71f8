import { createInstanceRun, type InstanceRun } from "./instance-run.js";
import { createLastOutput } from "./last-output.js";
import { createMailbox } from "./mailbox.js";
import { step } from "./plugin-machine.js";
import { createPluginState, type Move, type PluginFact, type PluginState } from "./plugin-state.js";
import type { SupervisedPlugin, Surroundings } from "./supervised-plugin.js";

/** One plugin at work: takes facts one after the other, and does what follows from them. */
export interface PluginActor {
  readonly state: PluginState;
  /** The end of what it wrote, oldest line first. */
  readonly output: readonly string[];
  post(fact: PluginFact): void;
}

export interface PluginActorOptions {
  readonly name: string;
  readonly spec: SupervisedPlugin;
  readonly surroundings: Surroundings;
  /** Makes the id of the plugin's nth instance. */
  readonly instanceId: (plugin: string, launch: number) => string;
  /** The state has changed. Not called while a fact is being worked on. */
  readonly changed: () => void;
  readonly onError: (error: unknown) => void;
}

export function createPluginActor(options: PluginActorOptions): PluginActor {
  const { name, spec, surroundings } = options;
  const { clock, emit } = surroundings;
  const output = createLastOutput();
  let state = createPluginState(name);
  let run: InstanceRun | undefined;

  const mailbox = createMailbox<PluginFact>(work, options.onError);

  function work(fact: PluginFact): void {
    const before = state;
    const moves: Move[] = [];
    const newId = () => options.instanceId(name, before.launches + 1);
    const next = step({ at: clock.now(), newId, moves }, before, fact);
    state = next.state;
    for (const effect of next.effects) {
      if (effect.type === "launch") run = launch(state);
      run?.do(effect);
    }
    for (const made of moves) tell(made);
    if (state !== before) options.changed();
  }

  function launch({ instance, generation }: PluginState): InstanceRun {
    const instanceId = instance!.id;
    return createInstanceRun({
      plugin: name,
      generation,
      instanceId,
      spec,
      surroundings,
      post: (fact) => mailbox.post(fact),
      output(stream, line) {
        output.add(line);
        emit({ type: "instance.output", plugin: name, instanceId, stream, line });
      },
    });
  }

  function tell({ instanceId, from, to, reason }: Move): void {
    emit({ type: "instance.state", plugin: name, instanceId, from, to, reason });
    const { instance } = state;
    if (instance?.id !== instanceId) return;
    if (from === "starting" && instance.readyAt !== undefined) {
      emit({
        type: "instance.ready",
        plugin: name,
        instanceId,
        startedInMs: instance.readyAt - instance.launchedAt,
      });
    }
    if (instance.state.name === "gone" && instance.state.outcome.kind === "failed") {
      emit({ type: "instance.failed", plugin: name, instanceId, failure: instance.state.outcome.failure });
    }
  }

  return {
    get state() {
      return state;
    },
    get output() {
      return output.list();
    },
    post: (fact) => mailbox.post(fact),
  };
}
