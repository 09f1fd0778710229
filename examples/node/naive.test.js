// What works until the group fails over: it makes no lost connection again, and sends no message again.
//
//   stanlocal run --fault kill:@active --every 3s -- npm run naive
import { randomUUID } from 'node:crypto'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import stan from 'node-nats-streaming'

test('orders are published', async t => {
  const suffix = randomUUID()
  const url = process.env.NATS_URL.split(',')[0]
  const client = stan.connect(process.env.STAN_CLUSTER_ID, `naive-${suffix}`, {
    url, ackTimeout: 2000, reconnect: false
  })
  client.on('error', () => {})
  t.after(() => client.nc?.close())
  await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject))
  for (let [order, end] = [0, Date.now() + 9000]; Date.now() < end; order++) {
    await new Promise((resolve, reject) => {
      client.publish(`naive.${suffix}`, `order ${order}`, error => {
        error ? reject(new Error(`order ${order}: ${error.message ?? error}`)) : resolve()
      })
    })
    await sleep(10)
  }
})
