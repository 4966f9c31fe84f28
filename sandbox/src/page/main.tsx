import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { Toaster } from './ui/toasts.tsx';
import './fonts/emoji.css';
import './styles/tokens.css';
import './styles/layout.css';
import './styles/sidebar.css';
import './styles/messages.css';
import './styles/text.css';
import './styles/files.css';
import './styles/composer.css';
import './styles/blocks.css';
import './styles/tables.css';
import './styles/cards.css';
import './styles/charts.css';
import './styles/controls.css';
import './styles/overlays.css';
import './styles/preview.css';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root element to render into');
createRoot(root).render(
  <StrictMode>
    <App />
    <Toaster />
  </StrictMode>,
);
