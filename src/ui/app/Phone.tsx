// One column with a bar of tabs, for narrow screens.

import { EditorPanel } from '../editor/EditorPanel.tsx';
import { FlowTab } from '../flow/FlowTab.tsx';
import { useT } from '../i18n/i18n.ts';
import { MapView } from '../map/MapView.tsx';
import { type PhoneTab, useUi } from '../state/ui.ts';
import { Transport } from '../transport/Transport.tsx';
import { ObjectTree } from '../tree/ObjectTree.tsx';
import { Boundary } from './Boundary.tsx';
import { EventsPanel, Inspector, PacketPanel, Payload, TerminalPanel } from './later.tsx';
import { type Tab, Tabs } from './Tabs.tsx';
import { TopBar } from './TopBar.tsx';

export function Phone() {
  const t = useT();
  const { phoneTab, payload, set } = useUi();
  const part = (key: PhoneTab, Part: React.ComponentType): Tab<PhoneTab> => ({
    key,
    label: t(`panels.${key}`),
    content: () => (
      <Boundary name={key} key={key}>
        <Part />
      </Boundary>
    ),
  });
  return (
    <div className="phone">
      <TopBar narrow />
      <Tabs
        label={t('panels.navigation')}
        position="bottom"
        chosen={phoneTab}
        onChoose={(key) => set({ phoneTab: key })}
        tabs={[part('map', PhoneMap), part('objects', ObjectTree), part('editor', PhoneEditor), part('inspector', Inspector), part('flow', PhoneFlow), part('events', PhoneEvents), part('packet', PhonePacket), part('terminal', TerminalPanel)]}
        extra={<Transport />}
      />
      {payload !== 0 && (
        <div className="payload-drawer">
          <Payload />
        </div>
      )}
    </div>
  );
}

const PhoneFlow = () => <FlowTab withHead />;
const PhoneEvents = () => <EventsPanel withHead />;
const PhonePacket = () => <PacketPanel withHead />;
const PhoneMap = () => <MapView arrangement="tall" />;
const PhoneEditor = () => <EditorPanel plain />;
