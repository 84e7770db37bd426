import { getIcon } from '@iconify/vue';
import { h, type FunctionalComponent } from 'vue';

/**
 * An icon as it stands in rows: a list draws some hundred at once, and this one is a single element, without the state and
 * the watchers of `UIcon`. `name` is written alike: `i-lucide-play`; an icon that the page does not have is left empty.
 */
export const RowIcon: FunctionalComponent<{ name: string }> = ({ name }) => {
  const icon = getIcon(name.replace(/^i-lucide-/, 'lucide:'));
  return h('svg', {
    viewBox: `0 0 ${icon?.width ?? 24} ${icon?.height ?? 24}`,
    'aria-hidden': 'true',
    innerHTML: icon?.body ?? '',
  });
};
RowIcon.props = ['name'];
