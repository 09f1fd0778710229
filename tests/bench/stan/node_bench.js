// One figure of node-nats-streaming: messages a second, on standard output.
// node node_bench.js URL CLUSTER_ID async|sync|subscribe CHANNEL COUNT SIZE
'use strict'
const stan = require('node-nats-streaming')

const [url, cluster, kind, channel, countText, sizeText] = process.argv.slice(2)
const count = Number(countText)
const payload = Buffer.alloc(Number(sizeText), 120)
const client = stan.connect(cluster, `node-bench-${process.pid}`, { url, maxPubAcksInflight: 16384 })

function finish (begin) {
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9
  console.log(count / seconds)
  client.on('close', () => process.exit(0))
  client.close()
}

function publishAsync () {
  const begin = process.hrtime.bigint()
  let sent = 0
  let acked = 0
  function answered (error) {
    if (error) throw new Error(error)
    acked++
    if (acked === count) finish(begin)
    else pump()
  }
  function pump () {
    while (sent < count && sent - acked < 16384) {
      sent++
      client.publish(channel, payload, answered)
    }
  }
  pump()
}

function publishSync () {
  const begin = process.hrtime.bigint()
  let acked = 0
  function next (error) {
    if (error) throw new Error(error)
    if (acked++ === count) finish(begin)
    else client.publish(channel, payload, next)
  }
  next()
}

function subscribe () {
  const options = client.subscriptionOptions().setDeliverAllAvailable().setMaxInFlight(1024)
  const begin = process.hrtime.bigint()
  let seen = 0
  client.subscribe(channel, options).on('message', () => {
    if (++seen === count) finish(begin)
  })
}

client.on('error', (error) => { throw error })
client.on('connect', { async: publishAsync, sync: publishSync, subscribe }[kind])
