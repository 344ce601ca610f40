import assert from "node:assert/strict";
import { test } from "node:test";
import { difference, parse, timing, total } from "../../bench/exposition.mjs";
import { report } from "../../bench/report.mjs";
import { holds, number, replaceGenerated, slope, table } from "../../bench/table.mjs";

const BEFORE = `# HELP carrier_encode_seconds Encoding a picture.
# TYPE carrier_encode_seconds histogram
carrier_encode_seconds_sum 0.5
carrier_encode_seconds_count 100
carrier_encode_seconds_bucket{le="0.004"} 50
carrier_encode_seconds_bucket{le="0.008"} 100
carrier_encode_seconds_bucket{le="+Inf"} 100
carrier_send_drops_total{kind="Blocked"} 1
process_cpu_seconds_total 2.5
# EOF
`;
const AFTER = `carrier_encode_seconds_sum 0.8
carrier_encode_seconds_count 200
carrier_encode_seconds_bucket{le="0.004"} 100
carrier_encode_seconds_bucket{le="0.008"} 150
carrier_encode_seconds_bucket{le="+Inf"} 200
carrier_send_drops_total{kind="Blocked"} 1
carrier_send_drops_total{kind="Failed"} 2
process_cpu_seconds_total 3.75e0
`;

test("the difference between two readings of the metrics", () => {
  const grown = difference(parse(BEFORE), parse(AFTER));
  assert.equal(total(grown, "process_cpu_seconds_total"), 1.25);
  assert.equal(total(grown, "carrier_send_drops_total"), 2);
  assert.equal(total(grown, "carrier_send"), null);
  const encode = timing(grown, "carrier_encode_seconds");
  assert.equal(encode.count, 100);
  assert.ok(Math.abs(encode.meanMs - 3) < 1e-9);
  assert.ok(Math.abs(encode.p50Ms - 4) < 1e-9);
  assert.equal(encode.p95Ms, 8, "a percentile above the last bucket is reported as its lower limit");
});

test("a histogram is summed over its labels", () => {
  const samples = parse(
    'a_seconds_sum{source="x"} 1\na_seconds_count{source="x"} 2\n' +
      'a_seconds_bucket{le="1",source="x"} 2\na_seconds_sum{source="y"} 3\n' +
      'a_seconds_count{source="y"} 2\na_seconds_bucket{le="1",source="y"} 2\n',
  );
  assert.equal(timing(samples, "a_seconds").meanMs, 1000);
  assert.equal(timing(samples, "b_seconds"), null);
});

test("tables align the first column left and the others right", () => {
  assert.equal(
    table(["what", "ms"], [["encode", 2.5], ["a", null]]),
    "| what   |  ms |\n| ------ | --: |\n| encode | 2.5 |\n| a      |     |",
  );
  assert.equal(number(1.25, 2), "1.25");
  assert.equal(number(undefined), "-");
  assert.equal(holds(4.5, 4.5), "yes");
  assert.equal(holds(4.6, 4.5), "no");
  assert.equal(holds(null, 4.5), "not measured");
});

test("the slope of points on a line", () => {
  assert.equal(slope([[1, 5], [10, 14], [50, 54]]), 1);
});

test("only the text between the markers is replaced", () => {
  const first = replaceGenerated("# Head\n", "one");
  const second = replaceGenerated(`${first}\nfoot\n`, "two\n");
  assert.ok(second.startsWith("# Head\n\n<!-- bench:begin -->\n\ntwo\n\n<!-- bench:end -->"));
  assert.ok(second.endsWith("foot\n"));
  assert.ok(!second.includes("one"));
});

test("a report without a model and a browser lists what is missing", () => {
  const machine = { cpu: "a CPU", cores: 2, memoryGib: 8, kernel: "Linux", system: "x", load: 0.5 };
  const samples = parse(`${AFTER}carrier_compose_frames_total 100\n`);
  const plain = { samples, spanMs: 3333, cpuPercent: 12, rssMb: 50, threads: [] };
  const latency = { detecting: null, plain: null };
  const notes = ["No model."];
  const date = "1970-01-01";
  const measured = { machine, model: null, notes, date, plain, latency, loads: [], rushes: [] };
  const text = report(measured);
  assert.match(text, /No model\./);
  assert.match(text, /model none/);
  assert.match(text, /\| detection beyond session.run +\| +1 ms \| +- ms \| not measured \|/);
  assert.doesNotMatch(text, /undefined|NaN/);
});
