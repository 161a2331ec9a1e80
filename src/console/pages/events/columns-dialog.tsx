import { Dialog } from '../../parts/dialog.tsx';
import { Checkbox } from '../../parts/field.tsx';
import { COLUMN_NAMES, COLUMNS, toggleColumn, useColumns } from './columns.ts';

/** Which columns the list has beside time, type and what happened. */
export function ColumnsDialog({ onClose }: { onClose: () => void }) {
  const columns = useColumns();
  return (
    <Dialog title="Columns" onClose={onClose}>
      <p className="muted">
        Beside time, type and what happened. They are hidden while an event is open.
      </p>
      <div className="choices">
        {COLUMN_NAMES.map(name => (
          <Checkbox
            key={name}
            label={COLUMNS[name].title}
            checked={columns.includes(name)}
            onChange={() => toggleColumn(name)}
          />
        ))}
      </div>
    </Dialog>
  );
}
