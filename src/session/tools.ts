// What a person works with beside the cluster: kubectl, the images of manifests, and the reading of what was typed and
// printed. The page loads it while its cluster boots; nothing before the first action needs it.

import { provideCel } from '../cluster/api/cel/cel.ts';
import { celEngine } from '../cluster/api/cel/engine.ts';
import { provideOpenApi } from '../cluster/apiserver/openapi/pool.ts';
import { etcdctlProgram } from '../cluster/etcd/etcdctl.ts';
import { provideEtcdctl } from '../cluster/etcd/etcdctl-provider.ts';
import { stockEverydayImages } from '../cluster/images/everyday.ts';
import { kubectlProgram } from '../kubectl/kubectl.ts';
import { printYaml } from '../kubectl/print/yaml.ts';
import { describeObject } from './inspect.ts';
import { operatorShell } from './operator-shell.ts';
import { commandOfRequest, Outside } from './outside.ts';
import { checkText, problemsOf } from './problems.ts';

// Policies and custom resources may speak, and etcdctl be run, from the first action on.
provideCel(celEngine);
provideEtcdctl(etcdctlProgram);

export const tools = { kubectl: kubectlProgram, shell: operatorShell, stockImages: stockEverydayImages, printYaml, describeObject, checkText, problemsOf, Outside, commandOfRequest, provideOpenApi } as const;

export type Tools = typeof tools;
