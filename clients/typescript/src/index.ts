// The runtime of generated clients.

export {
  type Channel,
  type Connected,
  type HistoryChannel,
  type LatestChannel,
  open,
  type Operation,
  type Push,
  type TableChannel,
  type TableSubscription,
} from "./api.js";
export { type CloseInfo, type CloseKind } from "./close.js";
export { Client, type ClientEvents, type ClientOptions, type Surface } from "./client.js";
export type { ConnectionOptions, ConnectionState, SocketClass, SocketLike } from "./connection.js";
export {
  FaultError,
  NotSentError,
  OverflowError,
  RefusalError,
  TopicastError,
  TopicError,
  UnknownOutcomeError,
} from "./errors.js";
export type { Lifetime, Off } from "./events.js";
export type { Gap, Info, Item, Status } from "./item.js";
export { history, type HistoryOptions, type Kind, latest, type RateOptions, type SubscribeOptions } from "./kind.js";
export type { RequestOptions } from "./requests.js";
export type { Rows } from "./rows.js";
export type { Shape } from "./shape.js";
export type { StreamPosition } from "./shared-subscription.js";
export type { SubscriptionStorage } from "./storage.js";
export type { BufferOptions } from "./stream.js";
export { Subscription, type SubscriptionEvents } from "./subscription.js";
export { table, type TableChange } from "./table.js";
export { type Json, topic } from "./topic.js";
