// Panels that nobody sees at first; their code is loaded when they are opened.

import { type ComponentType, lazy, Suspense } from 'react';
import { useUi } from '../state/ui.ts';
import { loadSentences } from '../story/sentences.ts';

function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  const Part = lazy(async () => ({ default: await load() })) as unknown as ComponentType<P>;
  return function Later(props: P) {
    return (
      <Suspense fallback={null}>
        <Part {...props} />
      </Suspense>
    );
  };
}

/** A part that tells sentences. */
async function told<T>(load: () => Promise<T>): Promise<T> {
  const [part] = await Promise.all([load(), loadSentences(useUi.getState().language)]);
  return part;
}
const flowPanel = () => told(() => import('../flow/FlowPanel.tsx'));
const mover = () => told(() => import('../map/Mover.tsx'));

/** Loads what the first action shows, so that it is there by then. */
export async function loadFlow(): Promise<void> {
  await Promise.all([flowPanel(), mover()]);
}

export const FlowPanel = later(async () => (await flowPanel()).FlowPanel);
export const FlowTitle = later(async () => (await flowPanel()).FlowHead);
export const Announcer = later(async () => (await flowPanel()).Announcer);
export const Mover = later(async () => (await mover()).Mover);
export const About = later(async () => (await import('../about/About.tsx')).About);
export const NewCluster = later(async () => (await import('./NewCluster.tsx')).NewCluster);
export const Inspector = later(async () => (await import('../inspector/Inspector.tsx')).Inspector);
export const Payload = later(async () => (await import('../flow/Payload.tsx')).Payload);
export const EventsPanel = later(async () => (await import('../events/EventsPanel.tsx')).EventsPanel);
export const TerminalPanel = later(async () => (await import('../terminal/TerminalPanel.tsx')).TerminalPanel);
export const PacketPanel = later(async () => (await import('../packet/PacketPanel.tsx')).PacketPanel);
export const PacketHead = later(async () => (await import('../packet/PacketPanel.tsx')).PacketHead);
export const PacketPath = later(async () => (await import('../packet/PacketPath.tsx')).PacketPath);
export const EventsHead = later(async () => (await import('../events/EventsPanel.tsx')).EventsHead);
