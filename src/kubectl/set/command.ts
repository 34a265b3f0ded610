// kubectl set: changes of one field of objects that are there (kubectl/pkg/cmd/set/set.go).

import type { Command } from '../command.ts';
import { SET_ENV } from './env.ts';
import { SET_IMAGE } from './image.ts';
import { SET_RESOURCES } from './resources.ts';
import { SET_SELECTOR } from './selector.ts';
import { SET_SERVICE_ACCOUNT } from './service-account.ts';
import { SET_SUBJECT } from './subject.ts';

export const SET: Command = {
  name: 'set',
  group: 'Basic Commands (Beginner):',
  use: 'set SUBCOMMAND',
  short: 'Set specific features on objects',
  long: 'Change one thing about objects that are there: images, variables, resources, selectors, accounts.',
  flags: [],
  subcommands: [SET_IMAGE, SET_RESOURCES, SET_SELECTOR, SET_SUBJECT, SET_SERVICE_ACCOUNT, SET_ENV],
};
