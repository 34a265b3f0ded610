// Where the page begins.

import '@xyflow/react/dist/base.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/map.css';
import './styles/panels.css';
import { createRoot } from 'react-dom/client';
import { App } from './app/App.tsx';
import { loadFlow } from './app/later.tsx';
import { startTheme } from './app/theme.ts';
import { startI18n } from './i18n/i18n.ts';
import { SceneProvider } from './scene/hooks.ts';
import { SceneModel } from './scene/model.ts';
import { workerEndpoint } from './session/connection.ts';
import { PlayerProvider } from './session/context.ts';
import { drawn } from './session/drawn.ts';
import { Player } from './session/player.ts';

const root = document.getElementById('root');
if (!root) throw new Error('no root element');

const scene = new SceneModel();
const player = new Player(workerEndpoint, scene);
startTheme();
void startI18n().then(() => {
  createRoot(root).render(
    <SceneProvider value={scene}>
      <PlayerProvider value={player}>
        <App />
      </PlayerProvider>
    </SceneProvider>,
  );
});
void player.start().then(drawn).then(loadFlow);
