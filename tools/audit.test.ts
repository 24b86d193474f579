import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readAudit } from './audit.ts'

// As npm 11 prints them; the format is that of npm 7 and later (`auditReportVersion` 2).
const finding = {
  auditReportVersion: 2,
  vulnerabilities: {
    minimist: {
      name: 'minimist',
      severity: 'critical',
      isDirect: false,
      via: [
        { source: 1097678, name: 'minimist', title: 'Prototype Pollution in minimist', severity: 'critical', range: '<0.2.4' },
      ],
      effects: ['mkdirp'],
      range: '<0.2.4',
      nodes: ['node_modules/minimist'],
      fixAvailable: true,
    },
    mkdirp: { name: 'mkdirp', severity: 'critical', via: ['minimist'], effects: [], range: '0.4.1 - 0.5.1', nodes: [] },
  },
  metadata: { vulnerabilities: { critical: 2, total: 2 } },
}

test('tells findings from silence', () => {
  assert.deepEqual(readAudit(JSON.stringify(finding)), {
    findings: ['minimist <0.2.4: critical, Prototype Pollution in minimist', 'mkdirp 0.4.1 - 0.5.1: critical, by minimist'],
  })
  assert.deepEqual(readAudit('{"auditReportVersion":2,"vulnerabilities":{},"metadata":{}}'), { findings: [] })
  assert.deepEqual(readAudit('{"message":"405 Method Not Allowed","statusCode":405,"error":{"summary":"","detail":""}}'), {
    unanswered: '405 Method Not Allowed',
  })
  assert.deepEqual(readAudit('{"error":{"code":"ENOTFOUND","summary":"request failed"}}'), { unanswered: 'request failed' })
  assert.deepEqual(readAudit('npm ERR!'), { unanswered: 'npm audit printed no JSON' })
})
