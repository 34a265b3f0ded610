// Panels that nobody sees at first; their code is loaded when they are opened.

import { type ComponentType, lazy, Suspense } from 'react';

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
