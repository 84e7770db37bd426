/** What the helper process is asked to do: one line of JSON each, answered by one. */
export type HelperRequest =
  /** A smaller picture. `inside` keeps its shape within the box; `contain` fills the box, with black around. */
  | { do: 'shrink'; from: string; to: string; width: number; height: number; fit: 'inside' | 'contain' }
  /** A picture that stands for one that is not there. */
  | { do: 'slate'; to: string; width: number; height: number; lines: readonly string[] }
  | { do: 'sheet'; to: string; columns: number; cell: Size; cells: readonly SheetCell[] };

export interface Size {
  width: number;
  height: number;
}

export interface SheetCell {
  /** Below the picture: its frame. */
  label: string;
  /** Already of the cell's size; null: `note` stands in its place. */
  picture: string | null;
  note: string;
  isFailure: boolean;
}

export type HelperReply = Size | { error: string };
