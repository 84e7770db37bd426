import { computed, reactive, ref, watch, type ComputedRef, type Ref } from 'vue';
import { useRouter } from 'vue-router';
import type { Template } from '../../../src/shared/contracts/api.ts';
import { farmApi } from '../api/farm-api.ts';
import { ProblemError, sentenceOf } from '../api/problem.ts';
import { dataOf, fieldsOf, type FieldValue, type FormField } from './template-form.ts';
import { issuesByField, templateJob } from './template-job.ts';
import { useNotices } from '../common/use-notices.ts';

interface RenderForm {
  fields: ComputedRef<FormField[]>;
  values: Record<string, FieldValue>;
  chosen: { name: string; frames: string; video: string };
  /** What the farm said of the last try: by `data.<parameter>`, `frames` or `name`; under the empty name all else. */
  errors: Ref<Map<string, string>>;
  sending: Ref<boolean>;
  render: () => Promise<void>;
}

/** What somebody fills in to render a template once. Another version's form keeps what was filled in. */
export function useRenderForm(template: () => Template): RenderForm {
  const { say } = useNotices();
  const router = useRouter();
  const fields = computed(() => fieldsOf(template()));
  const values = reactive<Record<string, FieldValue>>({});
  const chosen = reactive({ name: '', frames: '', video: '' });
  const errors = ref(new Map<string, string>());
  const sending = ref(false);
  watch(
    fields,
    (now) => {
      for (const { name, initial } of now) values[name] ??= initial;
    },
    { immediate: true },
  );

  async function render(): Promise<void> {
    sending.value = true;
    errors.value = new Map();
    try {
      const { id } = await farmApi.submit(
        templateJob(template(), { ...chosen, data: dataOf(fields.value, values) }),
      );
      await router.push(`/jobs/${id}`);
    } catch (error) {
      const known = [...fields.value.map(({ name }) => `data.${name}`), 'frames', 'name'];
      if (error instanceof ProblemError && error.issues.length > 0)
        errors.value = issuesByField(error.issues, known);
      else say(sentenceOf(error), false);
    } finally {
      sending.value = false;
    }
  }

  return { fields, values, chosen, errors, sending, render };
}
