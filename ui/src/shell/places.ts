/** Where the navigation leads, in its order; the number is the key that goes there. */
export const PLACES: readonly Place[] = [
  { to: '/overview', label: 'Overview', icon: 'i-lucide-gauge', key: '0' },
  { to: '/submit', label: 'Submit', icon: 'i-lucide-send', key: 's' },
  { to: '/jobs', label: 'Jobs', icon: 'i-lucide-layers', key: '1' },
  { to: '/workers', label: 'Workers', icon: 'i-lucide-server', key: '2' },
  { to: '/failures', label: 'Failures', icon: 'i-lucide-triangle-alert', key: '5' },
  { to: '/queue', label: 'Queue', icon: 'i-lucide-list-ordered', key: '6' },
  { to: '/templates', label: 'Templates', icon: 'i-lucide-layout-template', key: '3' },
  { to: '/batches', label: 'Batches', icon: 'i-lucide-rows-3', key: '4' },
  { to: '/farm', label: 'Farm', icon: 'i-lucide-settings-2', key: '7' },
];

interface Place {
  to: string;
  label: string;
  icon: string;
  key: string;
}
