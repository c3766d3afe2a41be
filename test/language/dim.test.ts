// Canonical dims: laws of the values by random polynomials, and the two halves of every function held against each other: hand-picked
// lines whose types the compiler checks, and random ones that are written to a file and compiled.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canon, type Dim, dimAdd, dimDiv, dimMul, dimSub, evalDim, knownOf, solve, symbolsOf } from '../../dsl/dim.ts';
import { compileFiles, root } from '../../scripts/check-types.ts';
import { arith } from '../../scripts/gen-arith.ts';

const symbols = ['B', 'H', 'K', 'N', 'N2', 'n_', '$x'];
const dim: fc.Arbitrary<Dim> = fc
  .array(fc.tuple(fc.integer({ min: -9, max: 9 }), fc.array(fc.constantFrom(...symbols), { maxLength: 3 })), { maxLength: 4 })
  .map(terms =>
    terms.reduce<Dim>(
      (sum, [c, factors]) =>
        dimAdd(
          sum,
          factors.reduce<Dim>((p, f) => dimMul(p, f), c),
        ),
      0,
    ),
  );
const values = new Map<string, Dim>(symbols.map((s, i) => [s, i + 2]));
const at = (d: Dim): number => Number(evalDim(d, values));

describe('values', () => {
  it('are canonical, whatever the order of writing', () => {
    for (const [text, canonical] of [
      ['K*H', 'H*K'],
      ['1+G*G', 'G*G+1'],
      ['G*G-V+V', 'G*G'],
      ['V+V+2*V-1', '4*V-1'],
      ['3*D*2', '6*D'],
      ['V-V', 0],
      ['3-V', '-V+3'],
      ['12', 12],
      ['AB+A*B', 'A*B+AB'],
    ] as const)
      expect(canon(text)).toBe(canonical);
  });
  it('are a ring that evaluation respects', () => {
    fc.assert(
      fc.property(dim, dim, dim, (a, b, c) => {
        expect(at(dimAdd(a, b))).toBe(at(a) + at(b));
        expect(at(dimMul(a, b))).toBe(at(a) * at(b) + 0);
        expect(dimMul(a, dimAdd(b, c))).toBe(dimAdd(dimMul(a, b), dimMul(a, c)));
        expect(dimSub(dimAdd(a, b), b)).toBe(a);
        expect(canon(a)).toBe(a);
      }),
      { numRuns: 500 },
    );
  });
  it('divide exactly or not at all', () => {
    const product = fc
      .tuple(fc.integer({ min: 1, max: 9 }), fc.array(fc.constantFrom(...symbols), { maxLength: 3 }))
      .map(([c, f]) => f.reduce<Dim>((p, x) => dimMul(p, x), c));
    fc.assert(
      fc.property(dim, product, (a, p) => {
        expect(dimDiv(dimMul(a, p), p)).toBe(a);
      }),
    );
    expect([dimDiv(768, 7), dimDiv('D', 'H'), dimDiv('N+1', 'N'), dimDiv(5, 0), dimDiv('N', 0)]).toEqual([null, null, null, null, null]);
  });
  it('solve for their one unknown', () => {
    expect(solve('H*K', 768, new Map([['H', 12]]))).toEqual({ symbol: 'K', value: 64, divisor: 12 });
    expect(solve('G*G+N', 200, new Map([['G', 14]]))).toEqual({ symbol: 'N', value: 4, divisor: 1 });
    expect(solve('H*K', 768, new Map())).toBeNull();
    expect(solve('H*K', 768, new Map([['H', 7]]))).toEqual({ symbol: 'K', value: null, divisor: 7 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 0, max: 50 }), (h, k, n) => {
        expect(
          solve(
            'H*K+N',
            h * k + n,
            new Map([
              ['H', h],
              ['N', n],
            ]),
          ),
        ).toEqual({ symbol: 'K', value: k, divisor: h });
      }),
    );
  });
  it('refuse what is no size, and sizes that are no longer exact', () => {
    for (const text of ['', 'a b', 'N/2', 'N+', '2N', 'é', 'a.b']) expect(() => canon(text)).toThrow(`✗ size: "${text}" is not a size`);
    expect(() => dimMul(2 ** 30, 2 ** 30)).toThrow('beyond 2^53');
    expect(() => dimMul('N', 2 ** 53)).toThrow('beyond 2^53');
  });
  it('name their symbols and what is known of them', () => {
    expect(symbolsOf('3*G*G-V+1')).toEqual(['G', 'V']);
    expect(
      knownOf(
        'K*H-N',
        new Map([
          ['N', 3],
          ['H', 12],
        ]),
      ),
    ).toBe('H = 12, N = 3');
  });
});

describe('types', () => {
  it('come from a table that is in sync with its generator', () => {
    expect(readFileSync(new URL('../../dsl/arith.ts', import.meta.url), 'utf8')).toBe(arith());
  });
  it('agree with the values on random dims', () => {
    const lines = fc.sample(fc.tuple(dim, dim, fc.integer({ min: 1, max: 12 })), { numRuns: 200, seed: 20261124 }).flatMap(([a, b, n], i) => {
      const [A, B] = [a, b].map(d => JSON.stringify(d));
      const product = dimMul(n, symbols[i % symbols.length]!);
      const env = '{ B: 2; H: 3; K: "N"; N: 5; N2: "n_"; n_: 7; $x: 1 }';
      const bound = new Map<string, Dim>([
        ['B', 2],
        ['H', 3],
        ['K', 'N'],
        ['N', 5],
        ['N2', 'n_'],
        ['n_', 7],
        ['$x', 1],
      ]);
      const solved = solve(
        a,
        b,
        new Map([
          ['H', 3],
          ['N', 5],
        ]),
      );
      return [
        check(`DimAdd<${A}, ${B}>`, dimAdd(a, b)),
        check(`DimSub<${A}, ${B}>`, dimSub(a, b)),
        check(`DimMul<${A}, ${B}>`, dimMul(a, b)),
        check(`DimDiv<${JSON.stringify(dimMul(a, product))}, ${JSON.stringify(product)}>`, dimDiv(dimMul(a, product), product)),
        check(`DimDiv<${A}, ${JSON.stringify(product)}>`, dimDiv(a, product)),
        check(
          `Canon<${JSON.stringify(`${b}`.startsWith('-') ? `${a}${b}` : `${a}+${b}`)}>`,
          canon(`${b}`.startsWith('-') ? `${a}${b}` : `${a}+${b}`),
        ),
        check(`Eval<${A}, ${env}>`, evalDim(a, bound)),
        check(`Solve<${A}, ${B}, { H: 3; N: 5 }>`, solved && [solved.symbol, solved.value, solved.divisor], typeof a === 'string'),
        check(
          `Known<${A}, { H: 3; N: 5 }>`,
          knownOf(
            a,
            new Map([
              ['H', 3],
              ['N', 5],
            ]),
          ),
        ),
      ];
    });
    const file = `${root}/node_modules/.cache/heddle/dims-${process.pid}.ts`;
    const names = 'Canon, DimAdd, DimDiv, DimMul, DimSub, Eval, Known, Solve';
    writeFileSync(
      file,
      `import type { ${names} } from '${root}/dsl/dim-types.ts';\ntype Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;\n${lines.join('\n')}\n`,
    );
    const { errors } = compileFiles('7', [file]);
    const wrong = errors.map(e => lines[e.line - 2]);
    rmSync(file);
    expect(wrong).toEqual([]);
  });
});
let checks = 0;
const check = (type: string, value: unknown, applies = true): string =>
  applies ? `export const c${checks++}: Same<${type}, ${JSON.stringify(value)}> = true;` : '';
