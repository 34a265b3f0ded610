// kubectl create with all of its subcommands.

import { createCommand } from '../create.ts';
import { CREATE_CONFIG_MAP } from './configmap.ts';
import { CREATE_INGRESS } from './ingress.ts';
import { CREATE_DISRUPTION_BUDGET, CREATE_NAMESPACE, CREATE_PRIORITY_CLASS, CREATE_QUOTA, CREATE_SERVICE_ACCOUNT } from './policies.ts';
import { CREATE_CLUSTER_ROLE, CREATE_ROLE } from './role.ts';
import { CREATE_CLUSTER_ROLE_BINDING, CREATE_ROLE_BINDING } from './role-binding.ts';
import { CREATE_SECRET } from './secret.ts';
import { CREATE_SERVICE } from './service.ts';
import { CREATE_TOKEN } from './token.ts';
import { CREATE_CRON_JOB, CREATE_DEPLOYMENT, CREATE_JOB } from './workloads.ts';

export const CREATE = createCommand([
  CREATE_NAMESPACE,
  CREATE_QUOTA,
  CREATE_SECRET,
  CREATE_CONFIG_MAP,
  CREATE_SERVICE_ACCOUNT,
  CREATE_SERVICE,
  CREATE_DEPLOYMENT,
  CREATE_CLUSTER_ROLE,
  CREATE_CLUSTER_ROLE_BINDING,
  CREATE_ROLE,
  CREATE_ROLE_BINDING,
  CREATE_DISRUPTION_BUDGET,
  CREATE_PRIORITY_CLASS,
  CREATE_JOB,
  CREATE_CRON_JOB,
  CREATE_INGRESS,
  CREATE_TOKEN,
]);
