// The desk: objects left, map in the middle, editor and inspector right, transport and tabs below.

import { useEffect } from 'react';
import { Group, Panel, Separator, useDefaultLayout, usePanelRef } from 'react-resizable-panels';
import { EditorPanel } from '../editor/EditorPanel.tsx';
import { FlowHead, FlowTab } from '../flow/FlowTab.tsx';
import { useT } from '../i18n/i18n.ts';
import { MapView } from '../map/MapView.tsx';
import { useUi } from '../state/ui.ts';
import { Transport } from '../transport/Transport.tsx';
import { ObjectTree } from '../tree/ObjectTree.tsx';
import { Boundary } from './Boundary.tsx';
import { EventsHead, EventsPanel, Inspector, PacketHead, PacketPanel, Payload, TerminalPanel } from './later.tsx';
import { type Tab, Tabs } from './Tabs.tsx';
import { TopBar } from './TopBar.tsx';

export function Shell() {
  const t = useT();
  const columns = useDefaultLayout({ id: 'orrery.columns', storage: localStorage });
  const rows = useDefaultLayout({ id: 'orrery.rows', storage: localStorage });
  const { leftOpen, rightOpen, bottomOpen, set } = useUi();
  const left = useFold(leftOpen);
  const right = useFold(rightOpen);
  const bottom = useFold(bottomOpen);
  return (
    <div className="shell">
      <TopBar />
      <Group orientation="vertical" className="rows" {...rows}>
        <Panel id="panel-middle" minSize={180}>
          <Group orientation="horizontal" {...columns}>
            <Panel
              id="panel-left"
              panelRef={left}
              className="panel"
              collapsible
              defaultSize={leftOpen ? 208 : 0}
              minSize={150}
              maxSize="40%"
              groupResizeBehavior="preserve-pixel-size"
              onResize={(size) => set({ leftOpen: size.inPixels > 0 })}
            >
              <Boundary name="objects">{leftOpen && <ObjectTree />}</Boundary>
            </Panel>
            <Separator className="separator" aria-label={t('panels.resizeLeft')} />
            <Panel id="panel-map" minSize={240}>
              <Boundary name="map">
                <MapView />
              </Boundary>
            </Panel>
            <Separator className="separator" aria-label={t('panels.resizeRight')} />
            <Panel
              id="panel-right"
              panelRef={right}
              className="panel"
              collapsible
              defaultSize={rightOpen ? 352 : 0}
              minSize={240}
              maxSize="60%"
              groupResizeBehavior="preserve-pixel-size"
              onResize={(size) => set({ rightOpen: size.inPixels > 0 })}
            >
              {rightOpen && <RightTabs />}
            </Panel>
          </Group>
        </Panel>
        <Separator className="separator horizontal" aria-label={t('panels.resizeBottom')} />
        <Panel
          id="panel-bottom"
          panelRef={bottom}
          className="panel"
          collapsible
          collapsedSize={48}
          defaultSize={bottomOpen ? 214 : 48}
          minSize={130}
          maxSize="70%"
          groupResizeBehavior="preserve-pixel-size"
          onResize={(size) => set({ bottomOpen: size.inPixels > 60 })}
        >
          <div className="bottom">
            <Boundary name="transport">
              <Transport />
            </Boundary>
            {bottomOpen && <BottomTabs />}
          </div>
        </Panel>
      </Group>
    </div>
  );
}

/** Keeps a panel folded or unfolded as the person chose by button. */
function useFold(open: boolean) {
  const ref = usePanelRef();
  useEffect(() => {
    const panel = ref.current;
    if (!panel || panel.isCollapsed() !== open) return;
    if (open) panel.expand();
    else panel.collapse();
  }, [ref, open]);
  return ref;
}

function RightTabs() {
  const t = useT();
  const { rightTab, payload, set } = useUi();
  const tabs: Tab<typeof rightTab>[] = [
    {
      key: 'editor',
      label: t('panels.editor'),
      content: () => (
        <Boundary name="editor">
          <EditorPanel />
        </Boundary>
      ),
    },
    {
      key: 'inspector',
      label: t('panels.inspector'),
      content: () => (
        <Boundary name="inspector">
          <Inspector />
        </Boundary>
      ),
    },
  ];
  if (payload !== 0) {
    tabs.push({
      key: 'payload',
      label: t('flow.payload'),
      content: () => (
        <Boundary name="payload">
          <Payload />
        </Boundary>
      ),
    });
  }
  return <Tabs label={t('panels.right')} tabs={tabs} chosen={rightTab} onChoose={(key) => set({ rightTab: key })} />;
}

function BottomTabs() {
  const t = useT();
  const { bottomTab, set } = useUi();
  return (
    <Tabs
      label={t('panels.bottom')}
      chosen={bottomTab}
      extra={bottomTab === 'flow' ? <FlowHead /> : bottomTab === 'events' ? <EventsHead /> : bottomTab === 'packet' ? <PacketHead /> : null}
      onChoose={(key) => set({ bottomTab: key })}
      tabs={[
        {
          key: 'flow',
          label: t('panels.flow'),
          content: () => (
            <Boundary name="flow">
              <FlowTab />
            </Boundary>
          ),
        },
        {
          key: 'events',
          label: t('panels.events'),
          content: () => (
            <Boundary name="events">
              <EventsPanel />
            </Boundary>
          ),
        },
        {
          key: 'packet',
          label: t('panels.packet'),
          content: () => (
            <Boundary name="packet">
              <PacketPanel />
            </Boundary>
          ),
        },
        {
          key: 'terminal',
          label: t('panels.terminal'),
          content: () => (
            <Boundary name="terminal">
              <TerminalPanel />
            </Boundary>
          ),
        },
      ]}
    />
  );
}
