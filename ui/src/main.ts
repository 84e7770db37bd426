import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import 'virtual:palette.css';
import './styles/main.css';
import ui from '@nuxt/ui/vue-plugin';
import { createApp } from 'vue';
import App from './app.vue';
import { takeTokenFromAddress, useSession } from './shell/use-session.ts';
import { createFarmRouter } from './router.ts';

// Before the router reads the address: it would put the token back into it.
const token = takeTokenFromAddress(window.location, window.history);
void useSession().start(token);

createApp(App).use(createFarmRouter()).use(ui).mount('#app');
