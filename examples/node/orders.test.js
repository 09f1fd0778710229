// A publisher and a subscriber that survive failovers of the group:
//
//   stanlocal run --fault kill:@active --every 3s -- npm test
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import test from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import stan from 'node-nats-streaming'

const PUBLISH_MS = 9000
const GIVE_UP_MS = 30000

// Returns a client that knows every node and gives up none of them.
async function connect (clientID) {
  for (const deadline = Date.now() + GIVE_UP_MS; ;) {
    try {
      return await connectOnce(clientID)
    } catch (error) { // for a second or two no node may be active: ask again until one answers
      if (Date.now() > deadline) throw error
      await sleep(250)
    }
  }
}

function connectOnce (clientID) {
  const servers = process.env.NATS_URL.split(',')
  const client = stan.connect(process.env.STAN_CLUSTER_ID, clientID, {
    url: servers[0], // without it the client adds localhost:4222 to the servers
    servers, ackTimeout: 2000, connectTimeout: 2000, maxReconnectAttempts: -1, reconnectTimeWait: 250
  })
  return new Promise((resolve, reject) => {
    client.once('connect', () => {
      client.on('error', error => console.error(error.message)) // a lost connection is made again
      resolve(client)
    })
    client.once('error', error => { client.nc?.close(); reject(error) })
  })
}

const publishOnce = (client, channel, order) => new Promise((resolve, reject) => {
  client.publish(channel, order, error => error ? reject(new Error(error.message ?? error)) : resolve())
})

// Returns once the message is acknowledged, and so stored. A message whose ack was lost is stored twice.
async function publish (client, channel, order) {
  for (const deadline = Date.now() + GIVE_UP_MS; ;) {
    try {
      return await publishOnce(client, channel, order)
    } catch (error) {
      if (Date.now() > deadline) throw new Error(`${order} was not acknowledged`, { cause: error })
      await sleep(100)
    }
  }
}

test('no order is lost', async t => {
  const suffix = randomUUID()
  const channel = `orders.${suffix}`
  const client = await connect(`orders-${suffix}`)
  t.after(() => client.close())

  const received = new Set() // an order that is delivered again is the same order
  const options = client.subscriptionOptions()
    .setDurableName('warehouse').setDeliverAllAvailable().setAckWait(5000)
  client.subscribe(channel, options).on('message', message => received.add(message.getData()))

  const published = []
  for (const end = Date.now() + PUBLISH_MS; Date.now() < end; await sleep(10)) {
    const order = `order ${published.length}`
    await publish(client, channel, order)
    published.push(order)
  }

  const missing = () => published.filter(order => !received.has(order))
  for (const deadline = Date.now() + GIVE_UP_MS; missing().length > 0 && Date.now() < deadline;) await sleep(50)
  assert.deepEqual(missing(), [], 'orders are lost')
  t.diagnostic(`${published.length} orders`)
})
