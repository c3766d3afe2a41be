// biome-ignore-all lint/suspicious/noTemplateCurlyInString: edits of source text that has templates
// The bank of planted defects: file, what it says once, what the bug makes of it. The last word says where it shows: only on WebGPU.
export type Bug = readonly [file: string, from: string, to: string, where?: 'webgpu'];
export const bugs: Readonly<Record<string, readonly Bug[]>> = {
  'shapes and ops': [
    ['dsl/rules/parts.ts', 'Math.ceil(count / step)', 'Math.floor(count / step)'],
    ['dsl/rules/views.ts', 'const k = x < 0 ? x + s.length + 1 : x;', 'const k = x < 0 ? x + s.length : x;'],
    ['dsl/rules/parts.ts', 'withAxis(shape, k, dimAdd(shape[k]!, b.shape[k]!))', 'withAxis(shape, k, shape[k]!)'],
    ['dsl/ops/index-ops.ts', 'a <= this.axis ? a : a + 1', 'a < this.axis ? a : a + 1'],
    ['dsl/ops/index-ops.ts', "b.op('and', b.op('eq', keyJ, keyI), b.op('lt', j, i))", "b.op('and', b.op('eq', keyJ, keyI), b.op('lt', i, j))"],
    ['dsl/ops/index-ops.ts', "b.op('xor', plain, word(0x7fffffff))", 'plain'],
    ['dsl/ops/views.ts', 'const cut = by > 0 ? dimSub(n, by) : -by;', 'const cut = by > 0 ? by : -by;'],
    ['dsl/ops/contract.ts', "'nchpwq', 'ocpq'", "'nchpwq', 'ocqp'"],
    ['dsl/ops/reduce.ts', "['f32', Math.max(n - less, 0)]", "['f32', Math.max(n, 0)]"],
  ],
  simplify: [
    ['compiler/graph/simplify.ts', 'x.from + n.from * x.step', 'x.from + n.from'],
    ['compiler/graph/simplify.ts', 'n.step * x.step)', 'n.step)'],
    ['compiler/graph/simplify.ts', 'n.order.map(a => x.order[a]!)', 'x.order.map(a => n.order[a]!)'],
    ['compiler/graph/simplify.ts', 'n.axes.every(a => sameSize', 'n.axes.some(a => sameSize'],
    ['compiler/graph/simplify.ts', "n.view === 'flip' && n.axis === x.axis ?", "n.view === 'flip' ?"],
    ['compiler/graph/simplify.ts', "x && n.op === 'view' && n.view === 'slice' && n.axis === x.axis", "x && n.op === 'view' && n.view === 'slice'"],
    ['compiler/graph/simplify.ts', 'kept.length === 0 || kept.length === n.ins.length', 'kept.length === n.ins.length'],
  ],
  reference: [
    ['compiler/graph/interpret.ts', 'from += x.dims[node.axis]!;', 'from += 1;'],
    ['compiler/graph/interpret.ts', "y.fill(kind === 'max' ? arith.lowest(type) : arith.highest(type))", 'y.fill(0)'],
  ],
  derivatives: [
    ['compiler/graph/gradient/scalar.ts', "b.op('neg', b.op('div', out, y))", "b.op('div', out, y)"],
    ['compiler/graph/gradient/scalar.ts', 'return [c(1), c(-1)];', 'return [c(1), c(1)];'],
    ['compiler/graph/gradient/scalar.ts', 'c(0.5), c(0)', 'c(1), c(0)'],
    ['compiler/graph/gradient/scalar.ts', "return [b.op('neg', b.op('sin', x))];", "return [b.op('sin', x)];"],
    ['compiler/graph/gradient/transpose.ts', 'sliceAxis(graph, v, axis, low, shape[axis]!)', 'sliceAxis(graph, v, axis, 0, shape[axis]!)'],
    ['compiler/graph/gradient/transpose.ts', 'n.ins.slice(0, k).reduce', 'n.ins.slice(1, k).reduce'],
    ['compiler/graph/gradient/views.ts', 'n.order.map((_, i) => n.order.indexOf(i))', 'n.order'],
    ['compiler/graph/gradient/views.ts', 'axis: n.axis, from: n.from, value: g', 'axis: n.axis, from: 0, value: g'],
    ['compiler/graph/gradient/gather.ts', "b.op('eq', index, position), g, b.constant(0)", "b.op('eq', index, position), b.constant(0), g"],
    ['dsl/ops/derivatives.ts', "b.op('mul', y!, b.op('sub', g!, total!))", "b.op('mul', y!, g!)"],
    ['dsl/ops/derivatives.ts', "b.op('sub', b.op('sub', h!, meanH!), b.op('mul', xhat!, meanHx!))", "b.op('sub', h!, meanH!)"],
    ['dsl/ops/derivatives.ts', 'const dk = scaledBy(contractOf([nm, qk], kk, ds, q));', 'const dk = contractOf([nm, qk], kk, ds, q);'],
    ['dsl/ops/derivatives.ts', "smoothing === 0 ? distance : b.op('sub', distance, even)", 'distance'],
  ],
  'lowering and indices': [
    ['compiler/loops/lower.ts', 'if (high >= size) w', 'if (high > size) w'],
    ['compiler/loops/views.ts', 'constantIndex(size - 1), x, -1', 'constantIndex(size - 1), x, 1'],
    ['compiler/loops/collapse.ts', 'timesOuter === timesInner * extent', 'timesOuter === 0 || timesOuter === timesInner * extent'],
    ['compiler/loops/split.ts', 'times * by), axisIndex(axis), times)', 'times), axisIndex(axis), times)'],
    ['compiler/loops/split.ts', "cut[atom.kind === 'div' ? 0 : 1]", 'cut[0]'],
  ],
  fusion: [
    ['compiler/loops/fuse/groups.ts', 'return !this.needs(second, first, at).has(first);', 'return true;'],
    ['compiler/loops/fuse/groups.ts', 'if (pieces.length > 0 && cones.some(', 'if (false && cones.some('],
    [
      'compiler/code/fused.ts',
      'const waits = [...reads, ...writes].some(t => pending.writes.has(t))',
      'const waits = [...reads, ...writes].length < 0',
      'webgpu',
    ],
    ['compiler/loops/fuse/placement.ts', '(axisSet(parts[r]!.axes) | full[r]!)', 'axisSet(parts[r]!.axes)'],
  ],
  chunks: [
    ['compiler/code/fused.ts', ': int(this.tilesOf(over));', ': int(this.tilesOf(over) - 1);'],
    ['compiler/code/phases.ts', 'const moved = max < 0 ?', 'const moved = max < 1e3 ?'],
    ['compiler/code/reduce.ts', 'const last = this.countOf(axis) ?? sizeExpr(extent);', 'const last = sizeExpr(extent);'],
  ],
  'tiles and code': [
    ['compiler/code/scope.ts', 'b.last && offset > 0 ?', 'b.last && offset > 1 ?'],
    ['compiler/code/reduce.ts', 'half = team.size / 2', 'half = team.size / 4', 'webgpu'],
    ['compiler/code/vectorise.ts', 'at: plus(s.at, int(i))', 'at: s.at', 'webgpu'],
    ['compiler/code/strides.ts', 'strideIn(x, axis, free) === 1 && isAligned(x, axis)', 'strideIn(x, axis, free) === 1', 'webgpu'],
  ],
  memory: [
    ['compiler/memory.ts', 'p.item.first <= item.last && item.first <= p.item.last', 'p.item.first < item.last && item.first < p.item.last'],
    ['compiler/memory.ts', 'Math.ceil(bytes / alignment)', 'Math.floor(bytes / alignment)'],
    [
      'compiler/program.ts',
      '{ first: life.get(home)?.first ?? end, last: end }',
      '{ first: life.get(home)?.first ?? end, last: life.get(home)?.last ?? end }',
    ],
    ['compiler/program.ts', 'if (!b.written) want.add(b.node)', ''],
    ['compiler/program.ts', 'const key = `${access}|${d.key}`', 'const key = `${access}|${d.key.slice(0, 40)}`'],
  ],
  renderers: [
    ['compiler/render/intrinsics.ts', "u32: native('($0 >>> $1)')", "u32: native('($0 >> $1)')"],
    ['compiler/render/polyfills-js.ts', 'x >= 4294967295 ? 4294967295 : x > 0 ? x >>> 0 : 0', 'x >>> 0'],
    ['compiler/render/polyfills-js.ts', '(-3.88396438e-3 * c', '(-3.88e-3 * c'],
    [
      'compiler/render/js.ts',
      "s.value.type === 'bool' ? `(${e(s.value)}) ? 1 : 0` : e(s.value)",
      "s.value.type === 'bool' ? `(${e(s.value)}) ? 1 : 1` : e(s.value)",
    ],
    ['compiler/render/intrinsics.ts', 'select($2, $1, $0)', 'select($1, $2, $0)', 'webgpu'],
    ['compiler/render/wgsl.ts', '`${index} >> 2u`', '`${index} >> 1u`', 'webgpu'],
    ['compiler/render/wgsl.ts', '(${size} + ${per - 1}) / ${per}', '(${size}) / ${per}', 'webgpu'],
    ['compiler/render/polyfills-wgsl.ts', 'let e = (scaled - 0x3f3504f3) >> $U(23u);', 'let e = (scaled - 0x3f3504f3) >> $U(22u);', 'webgpu'],
  ],
  runtime: [
    ['runtime/memory.ts', 'if (old && old.bytes >= bytes) continue;', 'if (old) continue;'],
    ['runtime/js/device.ts', 'sizeAt(r.offset, batch), sizeAt(r.bytes, batch)', 'sizeAt(r.offset, 1), sizeAt(r.bytes, batch)'],
    [
      'runtime/session.ts',
      'this.device.read(this.#memory.buffer(from.slot), sizeAt(from.offset, batch), bytes)',
      'this.device.read(this.#memory.buffer(from.slot), 0, bytes)',
    ],
    ['runtime/webgpu/device.ts', 'words[0] = batch;', 'words[0] = 1;', 'webgpu'],
    ['runtime/webgpu/bind-groups.ts', 'batch === this.#batch && slots', 'slots', 'webgpu'],
  ],
};
/** Not found within 500 programs, or only now and then, and why. They are tried in long runs, and what they take is printed. */
export const survivors: Readonly<Record<string, readonly Bug[]>> = {
  'values of many sizes must be alive at once; those of the programs take 256 bytes or little more': [
    ['compiler/memory.ts', 'offset = Math.max(offset, p.offset + p.item.bytes)', 'offset = p.offset + p.item.bytes'],
  ],
  'what is stored wraps by itself: an overflow must be read inside the kernel that makes it': [
    ['compiler/render/intrinsics.ts', "i32: native('($0 + $1 | 0)')", "i32: native('($0 + $1)')"],
  ],
  'the order of steps holds all the same, but for memory that two of them share': [
    ['runtime/select.ts', 'outputs.flatMap(o => o.steps))].sort((a, b) => a - b)', 'outputs.flatMap(o => o.steps))]'],
  ],
  'tiles of more groups than one want axes longer than those of the programs': [
    ['compiler/code/fused.ts', "operation('min', int(tile), left)", 'int(tile)'],
    ['compiler/code/settle.ts', 'const own = facts.own[part]!;', 'const own = facts.full[part]!;'],
    ['compiler/code/stores.ts', 'return last && offset > 0 ?', 'return last && offset > 1 ?'],
    ['compiler/code/stores.ts', ': []), ...first, ...(oneLane', ': []), ...(oneLane'],
  ],
  'floats seldom tie': [['compiler/graph/gradient/transpose.ts', "b.op('div', b.op('mul', hit, g), count)", "b.op('mul', hit, g)"]],
  'two concats of one program must have pieces of one structure at other places': [
    ['compiler/loops/fuse/cone.ts', 'if (isPiece) for (const i of node.ins) key +=', 'if (false) for (const i of node.ins) key +='],
  ],
  'two ops of one program must differ in their axis and agree in all shapes': [
    ['compiler/loops/fuse/cone.ts', "key === 'id' || key === 'ins'", "key === 'id' || key === 'ins' || key === 'axis'"],
  ],
  'halves seldom stand exactly between two': [['compiler/render/polyfills-js.ts', '+ 4095 + ((a >> 13) & 1)', '+ 4096']],
};
