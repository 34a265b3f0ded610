// The prompt of interactive shells on the cluster's machines.

/** Ends the prompt: shells mark it so for terminals that tell commands from output (OSC 133, "semantic prompt"). */
export const PROMPT_END = '\u001b]133;B\u0007';
export const PROMPT = '\u001b[1;36m\\u@\\h\u001b[0m:\\w\\$ ';
