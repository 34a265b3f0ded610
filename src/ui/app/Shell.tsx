// The desk: objects left, map in the middle, editor and inspector right, transport and tabs below.

import { EditorPanel } from '../editor/EditorPanel.tsx';
import { FlowHead, FlowTab } from '../flow/FlowTab.tsx';
import { useT } from '../i18n/i18n.ts';
import { MapView } from '../map/MapView.tsx';
import { useUi } from '../state/ui.ts';
import { Transport } from '../transport/Transport.tsx';
import { ObjectTree } from '../tree/ObjectTree.tsx';
import { Boundary } from './Boundary.tsx';
import { EventsHead, EventsPanel, Inspector, PacketHead, PacketPanel, Payload, TerminalPanel } from './later.tsx';
import { Side } from './Side.tsx';
import { type Tab, Tabs } from './Tabs.tsx';
import { TopBar } from './TopBar.tsx';

export function Shell() {
  const t = useT();
  const { leftOpen, rightOpen, bottomOpen, set } = useUi();
  return (
    <div className="shell">
      <TopBar />
      <div className="rows">
        <div className="columns">
          <Side edge="left" label={t('panels.resizeLeft')} open={leftOpen} onOpen={(open) => set({ leftOpen: open })} initial={208} min={150} most={40}>
            <Boundary name="objects">{leftOpen && <ObjectTree />}</Boundary>
          </Side>
          <div className="middle">
            <Boundary name="map">
              <MapView />
            </Boundary>
          </div>
          <Side edge="right" label={t('panels.resizeRight')} open={rightOpen} onOpen={(open) => set({ rightOpen: open })} initial={352} min={240} most={60}>
            {rightOpen && <RightTabs />}
          </Side>
        </div>
        <Side
          edge="bottom"
          label={t('panels.resizeBottom')}
          open={bottomOpen}
          onOpen={(open) => set({ bottomOpen: open })}
          initial={214}
          min={130}
          most={70}
          folded={48}
        >
          <div className="bottom">
            <Boundary name="transport">
              <Transport />
            </Boundary>
            {bottomOpen && <BottomTabs />}
          </div>
        </Side>
      </div>
    </div>
  );
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
