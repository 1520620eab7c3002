import { DataType, type Field, type Schema } from 'apache-arrow';
import type { TableColumn } from '../../../src/table.js';

/** A column of an Arrow file, or of a struct in it. */
export interface ArrowColumn {
  name: string;
  type: DataType;
  /** Which of a batch's nodes and buffers are its first. */
  node: number;
  buffer: number;
  /** Of a struct. */
  children: ArrowColumn[];
}

/** The columns by name. @throws Error where a column has a type of which it is not known how many buffers it takes */
export function placeColumns({ fields }: Schema): Map<string, ArrowColumn> {
  return new Map(place(fields, { node: 0, buffer: 0 }).map((column) => [column.name, column]));
}

function place(fields: Field[], first: { node: number; buffer: number }): ArrowColumn[] {
  let { node, buffer } = first;
  return fields.map(({ name, type }: { name: string; type: DataType }) => {
    const children = DataType.isStruct(type) ? place(type.children, { node: node + 1, buffer: buffer + 1 }) : [];
    const column = { name, type, node, buffer, children };
    const size = sizeOf(type);
    node += size.nodes;
    buffer += size.buffers;
    return column;
  });
}

/** How many nodes and buffers of a batch a type takes, with all that is nested in it (Arrow's columnar format, "Buffer Listing"). */
export function sizeOf(type: DataType): { nodes: number; buffers: number } {
  const nested = DataType.isDictionary(type)
    ? []
    : (type.children ?? []).map(({ type: child }) => sizeOf(child as DataType));
  const sum = (key: 'nodes' | 'buffers') => nested.reduce((total, size) => total + size[key], 0);
  return { nodes: 1 + sum('nodes'), buffers: ownBuffers(type) + sum('buffers') };
}

function ownBuffers(type: DataType): number {
  if (DataType.isNull(type)) return 0;
  if (DataType.isStruct(type) || DataType.isFixedSizeList(type) || DataType.isSparseUnion(type)) return 1;
  if (DataType.isBinary(type) || DataType.isLargeBinary(type) || DataType.isUtf8(type) || DataType.isLargeUtf8(type))
    return 3;
  if (DataType.isBinaryView(type) || DataType.isUtf8View(type))
    throw new Error(`it has a column of the type ${String(type)}`);
  return 2;
}

/** What is read of a type; as in a Parquet table. */
export function kindOf(type: DataType): TableColumn['kind'] {
  if (isBinary(type)) return 'bytes';
  if (isScalar(type)) return 'scalar';
  if (DataType.isStruct(type)) {
    return type.children.some((child) => child.name === 'bytes' && isBinary(child.type as DataType))
      ? 'picture'
      : 'other';
  }
  const isList = DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type);
  return isList && isScalar(type.children[0].type as DataType) ? 'list' : 'other';
}

function isBinary(type: DataType): boolean {
  return DataType.isBinary(type) || DataType.isLargeBinary(type);
}

function isScalar(type: DataType): boolean {
  const isNumber = DataType.isInt(type) || DataType.isFloat(type) || DataType.isBool(type);
  const isText = DataType.isUtf8(type) || DataType.isLargeUtf8(type);
  return isNumber || isText || DataType.isDate(type) || DataType.isTimestamp(type);
}
